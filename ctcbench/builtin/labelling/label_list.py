"""read_list(): the lines of a list of labels, read strictly: ``.csv``, ``.tsv``, ``.json`` or plain text."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

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
from ctcbench.contract.errors import BadSample, UsageError
from ctcbench.files.plain_files import MIB, read_named_file

_MOST_BYTES = 4096 * MIB
_LONGEST_LINE = 1_000_000

NAME_TITLES = (
    "file", "filename", "file_name", "image", "image_path", "image_name", "img", "img_path", "name", "path",
    "picture",
)  # fmt: skip
TEXT_TITLES = (
    "label", "labels", "text", "target", "transcription", "transcript", "words", "word", "ground_truth", "gt",
    "sentence",
)  # fmt: skip
OTHER_FORMATS = (".jsonl", ".ndjson", ".xml", ".xls", ".xlsx", ".ods", ".parquet", ".yaml", ".yml")


@dataclass(frozen=True)
class Line:
    """A line of a list.

    Attributes:
        name: the name of the file with ``/`` between folders, as far as it can be read.
        text: the label, None if the line can't be used.
        reason: why it can't be used.
        where: its position, ``path:line``.
        may_be_header: whether it is the first line of a CSV file whose header, if it is one, is not known.
    """

    name: str
    text: str | None
    reason: str
    where: str
    may_be_header: bool = False


class _Columns(NamedTuple):
    """The number of cells of each line, and which of them are the name and the label."""

    number: int
    name: int
    text: int


def read_list(path: Path) -> list[Line]:
    """Return the lines of a list, which is UTF-8 with or without a byte order mark.

    Lines end with LF or CR LF. Blank lines are skipped; there are no comments. ``.csv`` and ``.tsv`` follow
    RFC 4180 without line breaks in cells (`split_cells`), with a header or with two cells a line.
    ``.json`` is an object {name: label}. In any other file a line is the name, a tab (or spaces, if fewer
    than half of the lines have a tab) and the label, and quotes are characters like any other.

    Raises:
        UsageError: the file can't be read, is not UTF-8 (the line is named), or has no clear columns.
    """
    suffix = path.suffix.lower()
    # Read as text, these would be thousands of bad lines.
    if suffix in OTHER_FORMATS:
        raise UsageError(
            f"{path}: a list of labels is .csv, .tsv, .txt or .json ({{name: label}}), not {suffix}; "
            f"convert it, for example to CSV with the header file,label"
        )
    content = _decoded(path)
    if suffix == ".json":
        return [
            _line(f"{path}: {name!r}", partial(_pair, name, value), name)
            for name, value in json_pairs(path, content)
        ]
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
        return list(_csv_lines(path, [row for row in numbered if row[1].strip(" \t")], delimiters))
    return _text_lines(path, [(number, line) for number, line in numbered if line.strip(" \t")])


def _decoded(path: Path) -> str:
    try:
        # As bytes, because text mode would turn every carriage return into the end of a line.
        raw = read_named_file(path, _MOST_BYTES).removeprefix(b"\xef\xbb\xbf")
        return raw.decode()
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        kind = "UTF-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else f"byte 0x{raw[error.start]:02x}"
        raise UsageError(f"{path}:{line}: is not UTF-8 ({kind}); save the list as UTF-8") from None


def _line(where: str, read: Callable[[], tuple[str, str]], name: str) -> Line:
    """Return the line that `read` returns the name and label of; `name` is its name if it can't be used."""
    try:
        found, text = read()
        return Line(found, read_label(text), "", where)
    except BadSample as error:
        return Line(_slashed(name), None, str(error), where)


def _pair(name: str, text: str) -> tuple[str, str]:
    if not name:
        raise BadSample("the line names no file")
    return _slashed(name), text


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


def _text_pair(line: str, tabbed: bool) -> tuple[str, str]:
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


def _csv_lines(path: Path, rows: Sequence[tuple[int, str]], delimiters: str) -> Iterator[Line]:
    # A spreadsheet saves empty rows as delimiters alone.
    filled = [(number, line) for number, line in rows if line.strip(" " + delimiters)]
    if not filled:
        return
    number, first = filled[0]
    headers = ((mark, _header(f"{path}:{number}", first, mark)) for mark in delimiters)
    delimiter, columns = next(((mark, found) for mark, found in headers if found), (delimiters, None))
    guessed = len(delimiter) > 1  # a header decides, and so does the suffix .tsv
    if columns:
        rows = [row for row in rows if row[0] > number]
    elif guessed:
        delimiter = guess_delimiter(path, filled)
    at = columns.name if columns else 0
    for number, line in rows:
        if line.strip(" " + delimiter):
            # The name of a line that can't be used, as far as it can be told: its split follows from it.
            rough = [cell.strip(' "') for cell in line.split(delimiter, at + 1)]
            read = partial(_csv_pair, line, delimiter, columns, guessed=guessed)
            line_read = _line(f"{path}:{number}", read, rough[at] if at < len(rough) else "")
            yield replace(line_read, may_be_header=columns is None and number == filled[0][0])


def _csv_pair(line: str, delimiter: str, columns: _Columns | None, *, guessed: bool) -> tuple[str, str]:
    if "\r" in line:
        raise BadSample("the line has a carriage return inside; lines end with LF or CR LF")
    if guessed and (found := first_delimiter(line)) not in ("", delimiter):
        raise BadSample(
            f"{found!r} ends the name, but {delimiter!r} in most lines; a name with {found!r} in it is quoted"
        )
    number, name, text = columns or _Columns(2, 0, 1)
    cells = split_cells(line, delimiter)
    if len(cells) != number:
        raise BadSample(_wrong_number(line, delimiter, cells, columns))
    return _pair(cells[name].text, cells[text].text)


def _wrong_number(line: str, delimiter: str, cells: list[Cell], columns: _Columns | None) -> str:
    number, name, text = columns or _Columns(2, 0, 1)
    count = "1 cell" if len(cells) == 1 else f"{len(cells)} cells"
    counts = f"the line has {count}, {'the header has' if columns else 'not'} {number}"
    if len(cells) < number:
        return counts if columns else f"{counts}: it has no label (separated by {delimiter!r})"
    # Only then are the surplus cells surely part of the text.
    if text == number - 1 and name < text:
        whole = quoted(line[cells[text].start :].rstrip(" "))
        other = "" if columns else f"; more columns need a header such as file{delimiter}label"
        return f"{counts}; a text with {delimiter!r} in it is quoted: {whole}{other}"
    return f"{counts}; a cell with {delimiter!r} in it is quoted"


def _header(where: str, line: str, delimiter: str) -> _Columns | None:
    """Return the columns if `line` is a header: it has a title of the names and a title of the labels."""
    try:
        titles = [cell.text.lower().replace(" ", "_") for cell in split_cells(line, delimiter)]
    except BadSample:
        return None
    names = [index for index, title in enumerate(titles) if title in NAME_TITLES]
    texts = [index for index, title in enumerate(titles) if title in TEXT_TITLES]
    if not names or not texts:
        return None
    for found, what in ((names, "names"), (texts, "labels")):
        if len(found) > 1:
            several = " and ".join(titles[index] for index in found)
            raise UsageError(f"{where}: the columns {several} may all hold the {what}; rename all but one")
    return _Columns(len(titles), names[0], texts[0])
