"""The manifest's own file: what is written is read back, and damage is an error."""

import hashlib

import pytest

from ctcbench.contract.errors import CtcbenchError
from ctcbench.files.manifest import digest, format_manifest, parse_manifest

ONE = digest(b"one")


def test_the_digest_is_blake2b_of_32_bytes():
    assert digest(b"one") == hashlib.blake2b(b"one", digest_size=32).hexdigest()


def test_a_manifest_survives_a_round_trip(tmp_path):
    digests = {"b": (ONE,), "a/é.json": (ONE, digest(b"two"))}
    assert parse_manifest(format_manifest(digests), tmp_path / "manifest.json") == digests


@pytest.mark.parametrize(
    "content",
    ["", "[]", "{}", "[" * 100_000, '{"format": "other", "files": {}}', '{"format": 1}',
     '{"format": "ctcbench manifest 1", "files": {"a": []}}',
     '{"format": "ctcbench manifest 1", "files": {"a": ["short"]}}',
     f'{{"format": "ctcbench manifest 1", "files": {{"a": ["{ONE.upper()}"]}}}}',
     f'{{"format": "ctcbench manifest 1", "files": {{"a": ["{ONE}"], "a": ["{ONE}"]}}}}'],
)  # fmt: skip
def test_a_damaged_manifest_is_named_with_the_remedy(tmp_path, content):
    with pytest.raises(CtcbenchError, match=r"manifest\.json: .*`ctcbench verify .* --accept`"):
        parse_manifest(content.encode(), tmp_path / "manifest.json")
