"""label_notices(): what the user should know about labels before training: invisible characters."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping

from ctcbench.files.text import is_invisible

_LISTED = 5  # kinds of invisible characters that the notice names


def invisible_notice(labels: Mapping[str, str]) -> str:
    """Return a notice of the invisible characters in labels by file name; an empty text if there are none."""
    found: dict[str, str] = {}
    affected = 0
    for name, text in labels.items():
        invisible = [c for c in text if is_invisible(c)]
        affected += bool(invisible)
        for character in invisible:
            found.setdefault(character, name)
    if not found:
        return ""
    listed = ", ".join(f"{_name(c)} (as in {found[c]})" for c in sorted(found)[:_LISTED])
    more = f" and {len(found) - _LISTED} more" if len(found) > _LISTED else ""
    return (
        f"{affected} of {len(labels)} training labels have invisible characters: {listed}{more}. Each is a "
        f"class of the alphabet; if the pictures show no difference, remove them from the labels"
    )


def _name(character: str) -> str:
    name = unicodedata.name(character, "a control character")
    return f"U+{ord(character):04X} {name}"
