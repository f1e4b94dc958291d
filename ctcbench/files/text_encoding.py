"""decode_utf8(): the text of a file in UTF-8, and which other encoding a file seems to have."""

from __future__ import annotations

from ctcbench.contract.errors import CtcbenchError

_MARK = b"\xef\xbb\xbf"
_WIDE = {
    "UTF-16, little-endian": "utf-16-le",
    "UTF-16, big-endian": "utf-16-be",
    "UTF-32, little-endian": "utf-32-le",
    "UTF-32, big-endian": "utf-32-be",
}


class NotUtf8(CtcbenchError):
    """A file is not UTF-8: the message names the encoding that it has, or the byte at fault.

    Attributes:
        line: the number of the line at fault.
    """

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.line = line


def decode_utf8(raw: bytes) -> str:
    """Return the text of a file, which is UTF-8 with or without a byte order mark.

    Raises:
        NotUtf8: it has another encoding. UTF-16 and UTF-32 are recognised with and without such a mark.
    """
    raw = raw.removeprefix(_MARK)
    # Before decoding: NUL is a character of UTF-8 as well, and ASCII in UTF-16 is such bytes alone.
    if wide := _wide_encoding(raw):
        raise NotUtf8(wide, 1)
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise NotUtf8(f"byte 0x{raw[error.start]:02x}", line) from None


def _wide_encoding(raw: bytes) -> str:
    """Return the encoding if it has two or four bytes for each character, else an empty text."""
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "UTF-16"
    nuls = raw.count(0)
    # The high byte of Latin letters, digits and line breaks is a NUL.
    order = "little" if raw[1::2].count(0) * 2 >= nuls else "big"
    for name, encoding in _WIDE.items() if nuls else ():
        if order not in name:
            continue
        try:
            text = raw.decode(encoding)
        except UnicodeDecodeError:
            continue
        # In a text of UTF-8 with some NULs, pairs of bytes make no lines, and few of them hold a NUL.
        lines = text.count("\n")
        if "\0" not in text and (nuls > lines > raw.count(b"\n") // 2 or nuls * 4 >= len(raw)):
            return name
    return ""
