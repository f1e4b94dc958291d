"""Texts of files in UTF-8, and the names of other encodings that files seem to have."""

from __future__ import annotations

import pytest

from ctcbench.files.text_encoding import NotUtf8, decode_utf8

TEXTS = ["a", "a,b", "0.png,x\n1.png,y\n", "имя.png,текст\r\nещё.png,слово\r\n", "文.png,字\n" * 50]


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
def test_wide_encodings_without_a_mark_are_named(text, encoding):
    with pytest.raises(NotUtf8, match=encoding[:6].upper()) as raised:
        decode_utf8(text.encode(encoding))
    assert str(raised.value).endswith("little-endian" if encoding.endswith("le") else "big-endian")


@pytest.mark.parametrize("text", [*TEXTS, "", "one \0 of many characters, and no line", "a,b\nc,\0d\n" * 3])
def test_utf_8_is_read_with_and_without_a_mark_and_with_nuls(text):
    assert decode_utf8(text.encode()) == decode_utf8(text.encode("utf-8-sig")) == text


def test_another_encoding_is_named_by_its_first_byte_and_its_line():
    with pytest.raises(NotUtf8, match="byte 0xe9") as raised:
        decode_utf8(b"a\nb\nc\xe9")
    assert raised.value.line == 3
