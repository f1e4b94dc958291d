"""Normalisation of text from elsewhere (file names, errors of plugins) for display."""

from __future__ import annotations


def one_line(text: str) -> str:
    """Return `text` on one line, its lines joined by semicolons, control characters escaped."""
    joined = ""
    for line in filter(None, map(str.strip, text.splitlines())):
        joined += (" " if joined.endswith((":", ";", ",")) else "; " if joined else "") + line
    return printable(joined)


def printable(text: str) -> str:
    """Return `text` with unprintable characters escaped, as ``\\x1b``, so that no terminal obeys them."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
