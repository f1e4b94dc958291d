"""SVG as text, with all contents escaped."""

from __future__ import annotations

from xml.sax.saxutils import escape, quoteattr

from ctcbench.files.text import printable_lines

# `class` is a keyword of Python, and a hyphen can't be in a name.
_NAMES = {"cls": "class", "anchor": "text-anchor"}


def element(name: str, text: str = "", *children: str, **attributes: object) -> str:
    """Return an element; `text` and attributes are escaped, `children` are elements and are not."""
    written = "".join(
        f" {_NAMES.get(key, key.replace('_', '-'))}={quoteattr(_clean(str(value)))}"
        for key, value in attributes.items()
    )
    # Children come from this function, so they are escaped already.
    inside = escape(_clean(text)) + "".join(children)
    return f"<{name}{written}>{inside}</{name}>" if inside else f"<{name}{written}/>"


def elide(text: str, most: int) -> str:
    """Return `text` cut to at most `most` characters, with an ellipsis at the end if it was longer."""
    return text if len(text) <= most else text[: most - 1] + "…"


def _clean(text: str) -> str:
    # XML 1.0 forbids most control characters and surrogates even if escaped.
    return printable_lines(text)
