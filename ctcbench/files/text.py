"""Texts that others wrote, made fit to be shown."""

from __future__ import annotations


def one_line(text: str) -> str:
    """Return `text` on one line, control characters spelled out, so that none reaches the terminal."""
    joined = ""
    for line in filter(None, map(str.strip, text.splitlines())):
        joined += (" " if joined.endswith((":", ";", ",")) else "; " if joined else "") + line
    return printable(joined)


def printable(text: str) -> str:
    """Return `text` with control characters and the like spelled out, as ``\\x1b``."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
