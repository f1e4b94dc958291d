"""JSON is read strictly: duplicate names, numbers that are not finite, endless nesting and digits."""

from pathlib import Path

import pytest

from ctcbench.contract.errors import CtcbenchError
from ctcbench.files.json_files import format_json, parse_json, parse_object

PATH = Path("a.json")


def test_a_document_survives_a_round_trip():
    document = {"a": [1, 2.5, None, True, "é"], "b": {}}
    assert parse_object(format_json(document), PATH) == document
    assert parse_object(format_json(document, indent=None), PATH) == document
    assert format_json(["é"], indent=None) == '["é"]\n'.encode()


def test_a_lone_surrogate_survives_a_round_trip():
    assert parse_json(format_json(["\ud800 é"]), PATH) == ["\ud800 é"]


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b'{"a": NaN}', b"Infinity", b"-Infinity", b"1e999", b'{"a": 1, "a": 2}', b"\xff",
     b"[" * 100_000, b'{"a":' * 100_000, b"9" * 5000, b"1 2", b"\xef\xbb\xbf{}"],
    ids=lambda content: repr(content[:12]),
)  # fmt: skip
def test_damaged_documents_are_named(content):
    with pytest.raises(CtcbenchError, match=r"^a\.json: damaged or cut off"):
        parse_json(content, PATH)


def test_a_document_that_is_no_object_is_named():
    with pytest.raises(CtcbenchError, match=r"a\.json: expected a JSON object"):
        parse_object(b"[]", PATH)


def test_numbers_that_json_lacks_are_not_written():
    with pytest.raises(ValueError):
        format_json({"a": float("nan")})
