"""The grammar of a line of a CSV file: RFC 4180 without line breaks in cells."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from ctcbench.contract.errors import BadSample, UsageError
from ctcbench.files.text import abbreviated

DELIMITERS = ",;\t"


# The line by which Excel knows the delimiter; it is no row.
_SEPARATOR_LINE = re.compile(r"sep=[,;\t](?=\r?\n)", re.IGNORECASE)


class Cell(NamedTuple):
    """The text of a cell without its quotes, and the position in the line where the cell begins."""

    text: str
    start: int


def without_separator_line(content: str) -> str:
    """Return a CSV file whose first line is blank if it is Excel's ``sep=;``."""
    return _SEPARATOR_LINE.sub("", content, count=1) if _SEPARATOR_LINE.match(content) else content


def split_cells(line: str, delimiter: str) -> list[Cell]:
    """Return the cells of a line.

    Spaces around a cell are not part of it. A cell that begins with a quote ends at the next quote that is
    not doubled; ``""`` in it is a quote. Quotes elsewhere are characters like any other.

    Raises:
        BadSample: a quote does not close, or text follows the closing quote.
    """
    # Not the csv module: an open quote takes in the next lines, and text behind a closed one is joined.
    cells: list[Cell] = []
    at = 0
    while True:
        while line.startswith(" ", at):
            at += 1
        if line.startswith('"', at):
            text, end = _quoted(line, at, delimiter)
        else:
            end = line.find(delimiter, at)
            end = len(line) if end < 0 else end
            text = line[at:end].rstrip(" ")
        cells.append(Cell(text, at))
        if end == len(line):
            return cells
        at = end + 1


def quoted(text: str) -> str:
    """Return `text` as a quoted cell, cut for display."""
    return '"' + abbreviated(text).replace('"', '""') + '"'


def guess_delimiter(path: Path, rows: Iterable[tuple[int, str]]) -> str:
    """Return the delimiter of a list without a header: the one that ends the first cell of most lines.

    Args:
        path: the list, for the error.
        rows: the numbers of its lines, and the lines.

    Raises:
        UsageError: two delimiters end the first cell of equally many lines.
    """
    # All lines count, because the text of the first may have a delimiter of another kind: `0.png,x; y`.
    ends: dict[str, list[int]] = defaultdict(list)
    for number, line in rows:
        if delimiter := first_delimiter(line):
            ends[delimiter].append(number)
    ordered = sorted(ends, key=lambda delimiter: -len(ends[delimiter]))
    if len(ordered) > 1 and len(ends[ordered[0]]) == len(ends[ordered[1]]):
        one, other = ordered[:2]
        where, also = f"{path}:{ends[one][0]}", ends[other][0]
        raise UsageError(
            f"{where}: {one!r} ends the name, but {other!r} does in line {also}, and as often in the list; "
            f"use one of them, or a header such as file{one}label"
        )
    return ordered[0] if ordered else ","


def first_delimiter(line: str) -> str:
    """Return the delimiter that ends the first cell of a line, or an empty text."""
    line = line.lstrip(" ")
    start = 0
    if line.startswith('"'):
        start = 1
        while (start := line.find('"', start) + 1) and line.startswith('"', start):
            start += 1
        if not start:  # the quote does not close
            return ""
    found = [(at, mark) for mark in DELIMITERS if (at := line.find(mark, start)) >= 0]
    return min(found, default=(0, ""))[1]


def _quoted(line: str, start: int, delimiter: str) -> tuple[str, int]:
    """Return the text of the quoted cell at `start`, and where it ends."""
    parts: list[str] = []
    at = start + 1
    while True:
        close = line.find('"', at)
        if close < 0:
            raise BadSample(
                f"a quote opens at column {start + 1} and does not close on its line; a cell has no "
                f"line breaks; to begin a text with a quote, write {quoted(line[start:].rstrip(' '))}"
            )
        parts.append(line[at:close])
        if not line.startswith('"', close + 1):
            break
        parts.append('"')
        at = close + 2
    end = close + 1
    while line.startswith(" ", end):
        end += 1
    if end < len(line) and line[end] != delimiter:
        raise BadSample(
            f"text follows the quote that closes at column {close + 1}; to have quotes in a text, write "
            f"{quoted(line[start:].rstrip(' '))}"
        )
    return "".join(parts), end
