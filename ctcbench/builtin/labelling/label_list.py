"""read_list(): the lines of a list of labels, read strictly: ``.csv``, ``.tsv``, ``.json`` or plain text."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from ctcbench.builtin.labelling.json_labels import json_pairs
from ctcbench.builtin.labelling.label_text import read_label
from ctcbench.builtin.labelling.line_cells import (
    DELIMITERS,
    Cell,
    first_delimiter,
    guess_delimiter,
    quoted,
    split_cells,
)
from ctcbench.builtin.labelling.list_columns import ListColumns, WantedColumns, find_columns
from ctcbench.contract.errors import BadSample, UsageError
from ctcbench.files.plain_files import MIB, read_named_file

_MOST_BYTES = 4096 * MIB
_LONGEST_LINE = 1_000_000
_USUAL = WantedColumns()
# Name, label, split and group.
_Cells = tuple[str, str, str | None, str | None]

OTHER_FORMATS = (".jsonl", ".ndjson", ".xml", ".xls", ".xlsx", ".ods", ".parquet", ".yaml", ".yml")


@dataclass(frozen=True)
class Line:
    """A line of a list.

    Attributes:
        name: the name of the file with ``/`` between folders, as far as it can be read.
        text: the label, None if the line can't be used.
        reason: why it can't be used.
        where: its position, ``path:line``.
        split: its cell in the column of splits, None if there is none.
        group: its cell in the column of groups, None if there is none.
        may_be_header: whether it is the first line of a CSV file whose header, if it is one, is not known.
    """

    name: str
    text: str | None
    reason: str
    where: str
    split: str | None = None
    group: str | None = None
    may_be_header: bool = False


@dataclass(frozen=True)
class LabelList:
    """The lines of a list, and the titles of its columns if it has a header."""

    lines: list[Line]
    titles: tuple[str, ...] = ()


def read_list(path: Path, wanted: WantedColumns = _USUAL) -> LabelList:
    """Return a list, which is UTF-8 with or without a byte order mark.

    Lines end with LF or CR LF. Blank lines are skipped; there are no comments. ``.csv`` and ``.tsv`` follow
    RFC 4180 without line breaks in cells (`split_cells`), with a header or with two cells a line.
    ``.json`` is an object {name: label}. In any other file a line is the name, a tab (or spaces, if fewer
    than half of the lines have a tab) and the label, and quotes are characters like any other.

    Raises:
        UsageError: the file can't be read, is not UTF-8 (the line is named), or has no clear columns; or it
            has not the columns that `wanted` names.
    """
    suffix = path.suffix.lower()
    # Read as text, these would be thousands of bad lines.
    if suffix in OTHER_FORMATS:
        raise UsageError(
            f"{path}: a list of labels is .csv, .tsv, .txt or .json ({{name: label}}), not {suffix}; "
            f"convert it, for example to CSV with the header file,label"
        )
    if wanted.named and suffix not in (".csv", ".tsv"):
        raise UsageError(f"{path}: only .csv and .tsv have columns, such as {wanted.named}")
    content = _decoded(path)
    if suffix == ".json":
        pairs = json_pairs(path, content)
        return LabelList(
            [_line(f"{path}: {name!r}", partial(_pair, name, text), name) for name, text in pairs]
        )
    # Not str.splitlines(), which also splits at U+2028 and at form feeds inside of labels.
    lines = content.split("\n")
    for number, line in enumerate(lines, start=1):
        if len(line) > _LONGEST_LINE:  # the cells of such a line would fill the memory
            raise UsageError(
                f"{path}:{number}: the line has {len(line):,} characters; "
                f"at most {_LONGEST_LINE:,} are allowed"
            )
    numbered = enumerate((line.removesuffix("\r") for line in lines), start=1)
    if suffix in (".csv", ".tsv"):
        delimiters = DELIMITERS if suffix == ".csv" else "\t"
        rows = [row for row in numbered if row[1].strip(" \t")]
        return _csv_list(path, rows, delimiters, wanted)
    return LabelList(_text_lines(path, [(number, line) for number, line in numbered if line.strip(" \t")]))


def _decoded(path: Path) -> str:
    try:
        # As bytes, because text mode would turn every carriage return into the end of a line.
        raw = read_named_file(path, _MOST_BYTES).removeprefix(b"\xef\xbb\xbf")
        return raw.decode()
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        kind = "UTF-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else f"byte 0x{raw[error.start]:02x}"
        raise UsageError(f"{path}:{line}: is not UTF-8 ({kind}); save the list as UTF-8") from None


def _line(where: str, read: Callable[[], _Cells], name: str) -> Line:
    """Return the line of which `read` returns the cells; `name` is its name if it can't be used."""
    try:
        found, text, split, group = read()
        return Line(found, read_label(text), "", where, split, group)
    except BadSample as error:
        return Line(_slashed(name), None, str(error), where)


def _pair(name: str, text: str) -> _Cells:
    if not name:
        raise BadSample("the line names no file")
    return _slashed(name), text, None, None


def _slashed(name: str) -> str:
    return name.replace("\\", "/")  # lists from Windows


def _text_lines(path: Path, rows: Sequence[tuple[int, str]]) -> list[Line]:
    # Of all lines, because the label of one line may have a tab by mistake, and names may have spaces.
    tabbed = sum("\t" in line for _, line in rows) * 2 >= len(rows)
    return [
        _line(
            f"{path}:{number}",
            partial(_text_pair, line, tabbed),
            line.strip(" ").partition("\t" if tabbed else " ")[0].strip(" "),
        )
        for number, line in rows
    ]


def _text_pair(line: str, tabbed: bool) -> _Cells:
    if "\r" in line:
        raise BadSample("the line has a carriage return inside; lines end with LF or CR LF")
    if not tabbed:
        if "\t" in line:
            raise BadSample("the line has a tab, but most lines separate name and label by spaces")
        name, space, text = line.strip(" ").partition(" ")
        if not space:
            raise BadSample("the line has neither a tab nor a space, and so no label")
        return _pair(name, text.strip(" "))
    cells = [cell.strip(" ") for cell in line.split("\t")]
    if len(cells) == 1:
        raise BadSample("the line has no tab, and so no label")
    if len(cells) > 2:
        raise BadSample(f"the line has {len(cells)} cells separated by tabs, not 2; a label has no tabs")
    return _pair(cells[0], cells[1])


def _csv_list(
    path: Path, rows: Sequence[tuple[int, str]], delimiters: str, wanted: WantedColumns
) -> LabelList:
    # A spreadsheet saves empty rows as delimiters alone.
    filled = [(number, line) for number, line in rows if line.strip(" " + delimiters)]
    if not filled:
        return LabelList([])
    number, first = filled[0]
    delimiter, columns = _header(f"{path}:{number}", first, delimiters, wanted)
    guessed = len(delimiter) > 1  # a header decides, and so does the suffix .tsv
    if columns:
        rows = [row for row in rows if row[0] > number]
    elif guessed:
        delimiter = guess_delimiter(path, filled)
    lines = list(_csv_lines(path, rows, delimiter, columns, guessed=guessed))
    if lines and not columns:
        lines[0] = replace(lines[0], may_be_header=True)
    return LabelList(lines, columns.titles if columns else ())


def _csv_lines(
    path: Path,
    rows: Sequence[tuple[int, str]],
    delimiter: str,
    columns: ListColumns | None,
    *,
    guessed: bool,
) -> Iterator[Line]:
    at = columns.name if columns else 0
    for number, line in rows:
        if line.strip(" " + delimiter):
            # The name of a line that can't be used, as far as it can be told: its split follows from it.
            rough = [cell.strip(' "') for cell in line.split(delimiter, at + 1)]
            read = partial(_csv_cells, line, delimiter, columns, guessed=guessed)
            yield _line(f"{path}:{number}", read, rough[at] if at < len(rough) else "")


def _csv_cells(line: str, delimiter: str, columns: ListColumns | None, *, guessed: bool) -> _Cells:
    if "\r" in line:
        raise BadSample("the line has a carriage return inside; lines end with LF or CR LF")
    if guessed and (found := first_delimiter(line)) not in ("", delimiter):
        raise BadSample(
            f"{found!r} ends the name, but {delimiter!r} in most lines; a name with {found!r} in it is quoted"
        )
    known = columns or ListColumns()
    cells = split_cells(line, delimiter)
    if len(cells) != known.number:
        raise BadSample(_wrong_number(line, delimiter, cells, columns))
    split = None if known.split is None else cells[known.split].text
    group = None if known.group is None else cells[known.group].text
    return (*_pair(cells[known.name].text, cells[known.text].text)[:2], split, group)


def _wrong_number(line: str, delimiter: str, cells: list[Cell], columns: ListColumns | None) -> str:
    known = columns or ListColumns()
    number, text = known.number, known.text
    count = "1 cell" if len(cells) == 1 else f"{len(cells)} cells"
    counts = f"the line has {count}, {'the header has' if columns else 'not'} {number}"
    if len(cells) < number:
        return counts if columns else f"{counts}: it has no label (separated by {delimiter!r})"
    # Only then are the surplus cells surely part of the text.
    if text == number - 1 and known.name < text:
        whole = quoted(line[cells[text].start :].rstrip(" "))
        other = "" if columns else f"; more columns need a header such as file{delimiter}label"
        return f"{counts}; a text with {delimiter!r} in it is quoted: {whole}{other}"
    return f"{counts}; a cell with {delimiter!r} in it is quoted"


def _header(where: str, line: str, delimiters: str, wanted: WantedColumns) -> tuple[str, ListColumns | None]:
    """Return the delimiter and the columns if a line is a header; all delimiters and None if it is not."""
    cells: dict[str, list[str]] = {}
    for mark in delimiters:
        with contextlib.suppress(BadSample):
            cells[mark] = [cell.text for cell in split_cells(line, mark)]
    # The delimiter that makes the most cells first: an error about the columns lists those.
    for mark in sorted(cells, key=lambda mark: -len(cells[mark])):
        if columns := find_columns(where, cells[mark], wanted):
            return mark, columns
    return delimiters, None
