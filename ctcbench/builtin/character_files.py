"""read_characters(): the characters of an alphabet from a text file."""

from __future__ import annotations

from ctcbench.contract.errors import UsageError
from ctcbench.files.paths import expand_home
from ctcbench.files.plain_files import why_not_plain
from ctcbench.files.text_encoding import NotUtf8, decode_utf8

_MOST_BYTES = 1 << 20  # the characters of Unicode take half of it


def read_characters(path: str) -> str:
    """Return the characters of a UTF-8 file: one a line, or several in a row; line breaks do not count.

    Raises:
        UsageError: there is no such plain file, it is too large, not UTF-8, or has no characters.
    """
    file, prefix = expand_home(path, "@"), f"@{path}: "
    # Checked before it is opened, because a pipe would block and a device may have no end.
    if reason := why_not_plain(file):
        raise UsageError(f"{prefix}{reason}; @FILE reads a file, and [@…] is literal")
    try:
        with file.open("rb") as opened:
            content = opened.read(_MOST_BYTES + 1)
        if len(content) > _MOST_BYTES:
            raise UsageError(f"{prefix}larger than 1 MiB, which no alphabet is")
        text = decode_utf8(content)
    except NotUtf8 as error:
        raise UsageError(f"{prefix}is not UTF-8 ({error}); save it as UTF-8") from None
    except OSError as error:
        raise UsageError(f"{prefix}can't be read ({error.strerror})") from None
    characters = text.replace("\r", "").replace("\n", "")
    if not characters:
        raise UsageError(f"{prefix}has no characters in it")
    return characters
