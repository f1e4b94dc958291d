"""Options that name files: the digest in their value, stored files, and what must not be opened."""

import base64
import zlib
from typing import Annotated

import pytest
from pydantic import Field

from ctcbench.contract.components import decoder
from ctcbench.contract.errors import CtcbenchError, UsageError
from ctcbench.files import attached_files
from ctcbench.files.attached_files import (
    AttachedFile,
    attached_content,
    attached_digests,
    digest_of,
    only_stored_files,
    packed,
    require_digest,
    unpacked,
)


@decoder
def reading(
    alphabet, *, words: Annotated[AttachedFile, Field(description="a file")] = None, other: str = "none"
):
    """Read a file."""


@pytest.fixture
def words(tmp_path):
    path = tmp_path / "words.txt"
    path.write_bytes(b"ab\n")
    return path


def value_of(given):
    return reading.read({"words": str(given)})["words"]


def test_the_value_has_the_path_and_the_digest(words):
    assert value_of(words) == f"{words}#{digest_of(b'ab' + chr(10).encode())}"
    assert value_of(value_of(words)) == value_of(words)
    assert reading.read({})["words"] is None
    assert value_of("none") is None


def test_the_digest_is_that_of_the_content(words, tmp_path):
    other = tmp_path / "other.txt"
    other.write_bytes(b"abc\n")
    assert value_of(words).partition("#")[2] != value_of(other).partition("#")[2]


def test_the_content_is_read_from_the_path(words):
    assert attached_content(value_of(words)) == b"ab\n"


def test_a_file_that_changed_since(words):
    value = value_of(words)
    words.write_bytes(b"cd\n")
    with pytest.raises(UsageError, match=r"the file has changed.*leave out #"):
        attached_content(value)


def test_files_that_cannot_be_read(words, tmp_path, monkeypatch):
    with pytest.raises(UsageError, match=r"decoder reading: .*missing.txt: .*No such file"):
        value_of(tmp_path / "missing.txt")
    with pytest.raises(UsageError, match="a folder"):
        value_of(tmp_path)
    with pytest.raises(UsageError, match="a device"):
        value_of("/dev/zero")
    monkeypatch.setattr(attached_files, "MOST_BYTES", 2)
    with pytest.raises(UsageError, match="2 at most"):
        value_of(words)


def test_a_home_folder_is_expanded(words, monkeypatch):
    monkeypatch.setenv("HOME", str(words.parent))
    assert attached_content(value_of("~/words.txt")) == b"ab\n"


def test_of_a_stored_component_only_stored_files_are_read(words):
    value = value_of(words)
    digest = value.partition("#")[2]
    words.unlink()
    with only_stored_files({digest: b"ab\n"}):
        assert value_of(value) == value
        assert attached_content(value) == b"ab\n"
    with pytest.raises(UsageError, match="No such file"):
        attached_content(value)


def test_a_stored_component_opens_no_path(words):
    with only_stored_files({}):
        with pytest.raises(UsageError, match="not stored with the model, and no other file is opened"):
            attached_content(f"{words}#{digest_of(b'ab' + bytes([10]))}")
        with pytest.raises(UsageError, match="not opened, because the model names the file without a digest"):
            value_of(words)


def test_the_digests_of_a_component(words):
    value = value_of(words)
    digest = value.partition("#")[2]
    assert attached_digests(reading, f"reading:words='{value}',other='x#{digest}'") == {digest: value}
    assert attached_digests(reading, "reading") == attached_digests(reading, "reading:words=none") == {}
    with pytest.raises(UsageError, match="without a digest"):
        attached_digests(reading, f"reading:words={words}")


def test_packed_files_come_back():
    files = {digest_of(content): content for content in (b"", b"ab\n", bytes(10_000))}
    texts = packed(files)
    assert all(text.isascii() for text in texts.values())
    assert unpacked(texts, "m.onnx") == files


@pytest.mark.parametrize(
    "text",
    ["!", "YWI=", "", base64.b64encode(zlib.compress(b"other")).decode(), packed({"": b"ab\n"})[""][:-6]],
)
def test_damaged_packed_files(text):
    with pytest.raises(UsageError, match=r"m\.onnx: its metadata is damaged"):
        unpacked({digest_of(b"ab\n"): text}, "m.onnx")


def test_a_packed_file_that_would_fill_the_memory(monkeypatch):
    monkeypatch.setattr(attached_files, "MOST_BYTES", 1000)
    content = bytes(1001)
    with pytest.raises(UsageError, match="too large"):
        unpacked(packed({digest_of(content): content}), "m.onnx")


def test_a_stored_file_with_another_digest():
    assert require_digest(b"ab", digest_of(b"ab"), "here") == b"ab"
    with pytest.raises(CtcbenchError, match="here: damaged"):
        require_digest(b"ac", digest_of(b"ab"), "here")
