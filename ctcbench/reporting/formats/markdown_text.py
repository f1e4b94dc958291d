"""Markdown as text, with all contents escaped."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence

from ctcbench.files.text import one_line


def markdown_text(text: str) -> str:
    """Return `text` on one line, with everything escaped that Markdown would interpret in a cell."""
    text = " ".join(one_line(text).split())
    # The backslash comes first, or it would escape the escapes.
    for character in "\\|*`[]~":
        text = text.replace(character, "\\" + character)
    # Within a word an underscore means nothing, as in most names of settings.
    text = re.sub(r"(?<![^\W_])_|_(?![^\W_])", r"\\_", text)
    # Markdown passes HTML through, so that a setting could hold markup of its own.
    return text.replace("&", "&amp;").replace("<", "&lt;")


def markdown_code(text: str) -> str:
    """Return `text` on one line as code, which may hold backticks, for use outside of tables."""
    text = one_line(text)
    # The fence is longer than any run of backticks in the text (CommonMark 0.31, section 6.1).
    fence = "`" * (1 + max(map(len, re.findall("`+", text)), default=0))
    gap = " " if text.startswith("`") or text.endswith("`") or not text.strip() else ""
    return f"{fence}{gap}{text}{gap}{fence}"


def markdown_cell_code(text: str) -> str:
    """Return `text` as `markdown_code` does, for a cell of a table, which a bar would end even in code."""
    return markdown_code(text).replace("|", "\\|")


def markdown_table(
    headers: Sequence[str],
    lines: Iterable[Sequence[str]],
    numbers: Collection[int] = (),
    *,
    raw: bool = False,
) -> str:
    """Return a table; `numbers` are the indices of the columns that are aligned right.

    Texts are escaped, unless `raw`: then they are Markdown already.
    """
    rule = ["---:" if index in numbers else "---" for index in range(len(headers))]
    written = str if raw else markdown_text
    rows = [headers, rule, *lines]
    return "".join("| " + " | ".join(map(written, row)) + " |\n" for row in rows)
