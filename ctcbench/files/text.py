"""Text from elsewhere (labels, file names, errors of plugins) for display."""

from __future__ import annotations

import json
import re
import unicodedata
from typing import Any

# Characters that Unicode lets a renderer leave out (Default_Ignorable_Code_Point), and the empty braille
# pattern: none of them is in a category that Python takes for unprintable.
_IGNORABLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180d\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)

_CONTROLS = ("Cc", "Cs", "Zl", "Zp")  # categories of Unicode
_OUTER_SPACES = re.compile(r"\A +| {2,}| +\Z")


def one_line(text: str) -> str:
    """Return `text` on one line, its lines joined by semicolons, invisible characters escaped."""
    joined = ""
    for line in filter(None, map(str.strip, text.splitlines())):
        joined += (" " if joined.endswith((":", ";", ",")) else "; " if joined else "") + line
    return printable(joined)


def printable(text: str) -> str:
    """Return `text` with invisible characters escaped, as ``\\x1b``, so that no terminal obeys them."""
    return "".join(_escaped(c) if is_invisible(c) else c for c in text)


def without_controls(text: str) -> str:
    """Return `text` with control characters, line breaks and lone surrogates escaped, as ``\\x1b``.

    All other characters stay as they are, also those that can't be seen, so that a program reads the same
    text; a terminal obeys none of them, and each text is on one line.
    """
    return "".join(_escaped(c) if unicodedata.category(c) in _CONTROLS else c for c in text)


def visible_spaces(text: str) -> str:
    """Return `text` with ␣ for each space, for characters that are shown one by one."""
    return text.replace(" ", "␣")


def visible_outer_spaces(text: str) -> str:
    """Return `text` with ␣ for each space that can't be seen: at either end, or beside another one."""
    return _OUTER_SPACES.sub(lambda found: visible_spaces(found[0]), text)


def printable_lines(text: str) -> str:
    """Return `text` as `printable` does, but with its line breaks."""
    return "\n".join(map(printable, text.split("\n")))


def is_invisible(character: str) -> bool:
    """Return whether a character leaves no mark of its own: controls, formats, blanks except the space."""
    return not character.isprintable() or _IGNORABLE.match(character) is not None


def quoted_character(character: str) -> str:
    """Return a character for a message: in quotes, or by its code point and name if it can't be seen alone.

    Spaces, combining marks and invisible characters are those of the second kind.
    """
    if len(character) > 1:  # a grapheme cluster
        return repr(printable(character))
    if character.isspace() or unicodedata.category(character).startswith("M") or is_invisible(character):
        return f"U+{ord(character):04X} {unicodedata.name(character, 'a control character')}"
    return repr(character)


def printable_json(document: Any, *, allow_nan: bool = True, indent: int | None = 2) -> str:
    """Return a document as JSON in which invisible characters of texts are escaped; without indent a line."""
    text = json.dumps(document, indent=indent, ensure_ascii=False, allow_nan=allow_nan)
    # Outside of strings every character is printable; escaped, a text is the same to a program.
    return "".join(json.dumps(c)[1:-1] if c != "\n" and is_invisible(c) else c for c in text)


def _escaped(character: str) -> str:
    code = ord(character)
    if not character.isprintable():
        return repr(character)[1:-1]
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def abbreviated(text: str, length: int = 60) -> str:
    """Return `text`, cut to `length` characters for display in an error."""
    return text if len(text) <= length else f"{text[: length - 1]}…"
