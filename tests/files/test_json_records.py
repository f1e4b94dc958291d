"""Stored documents: what is wrong with one is named by file and field, in words."""

from pathlib import Path

import pytest

from ctcbench.contract.errors import CtcbenchError
from ctcbench.files.json_records import Record, read_record


class Inner(Record):
    share: float | None = None


class Outer(Record):
    name: str
    count: int
    done: bool
    sizes: list[int]
    inner: Inner


GOOD = {"name": "a", "count": 1, "done": True, "sizes": [1], "inner": {"share": 1}}


def test_unknown_keys_are_ignored_and_a_default_stands_for_a_missing_key():
    record = read_record(Outer, {**GOOD, "inner": {}, "later": 3}, Path("x.json"))
    assert record == Outer(name="a", count=1, done=True, sizes=[1], inner=Inner())


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"name": 1}, "name: expected text, not '1'"),
        ({"count": 1.5}, "count: expected a whole number, not '1.5'"),
        ({"count": True}, "count: expected a whole number, not 'True'"),
        ({"done": 1}, "done: expected true or false, not '1'"),
        ({"sizes": 3}, "sizes: expected a list, not '3'"),
        ({"sizes": [1, "b"]}, "sizes.1: expected a whole number, not 'b'"),
        ({"inner": []}, "inner: expected an object"),
        ({"inner": {"share": float("nan")}}, "inner.share: expected a number, not 'nan'"),
        ({"inner": {"share": 10**400}}, "inner.share: expected a number, not '1000"),
    ],
)
def test_the_first_fault_is_named_with_file_and_field(wrong, words):
    with pytest.raises(CtcbenchError) as error:
        read_record(Outer, GOOD | wrong, Path("runs/x.json"))
    assert str(error.value).startswith(f"runs/x.json: {words}")
    assert "\n" not in str(error.value)


def test_a_missing_key_and_a_document_of_another_type_are_named():
    with pytest.raises(CtcbenchError, match=r"x\.json: part\.name: missing"):
        read_record(Outer, {}, Path("x.json"), field="part")
    with pytest.raises(CtcbenchError, match=r"x\.json: expected an object"):
        read_record(Outer, [GOOD], Path("x.json"))
