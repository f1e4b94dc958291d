"""read_list(): the lines of a list of labels, read strictly: ``.csv``, ``.tsv``, ``.json`` or plain text."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from ctcbench.builtin.labelling.json_labels import json_pairs
from ctcbench.builtin.labelling.label_text import read_label
from ctcbench.builtin.labelling.line_cells import (
    DELIMITERS,
    first_delimiter,
    guess_delimiter,
    split_cells,
    without_separator_line,
)
from ctcbench.builtin.labelling.line_objects import ENDINGS, find_keys, read_cells
from ctcbench.builtin.labelling.list_columns import (
    ListColumns,
    WantedColumns,
    find_header,
    require_no_unknown_header,
    wrong_number,
)
from ctcbench.contract.errors import BadSample, UsageError
from ctcbench.files.plain_files import MIB, read_named_file
from ctcbench.files.text_encoding import NotUtf8, decode_utf8

_MOST_BYTES = 4096 * MIB
_LONGEST_LINE = 1_000_000
_USUAL = WantedColumns()
_Cells = tuple[str, str | BadSample, str | None, str | None]  # name, label or what it lacks, split, group

OTHER_FORMATS = (".xml", ".xls", ".xlsx", ".ods", ".parquet", ".yaml", ".yml")


@dataclass(frozen=True)
class Line:
    """A line of a list.

    Attributes:
        name: the name of the file with ``/`` between folders, as far as it can be read.
        text: the label, None if the line can't be used.
        reason: why it can't be used.
        file: the path of the list.
        place: its place there, ``:17``.
        split: its cell in the column of splits, None if there is none.
        group: its cell in the column of groups, None if there is none.
        may_be_header: whether it is the first line of a CSV file whose header, if it is one, is not known.
    """

    name: str
    text: str | None
    reason: str
    file: str
    place: str
    split: str | None = None
    group: str | None = None
    may_be_header: bool = False

    @property
    def where(self) -> str:
        """Its position, ``path:line``."""
        return self.file + self.place


@dataclass(frozen=True)
class LabelList:
    """The lines of a list, which are read once, and the titles of its columns if it has a header."""

    lines: Iterator[Line]
    titles: tuple[str, ...] = ()


def read_list(path: Path, wanted: WantedColumns = _USUAL) -> LabelList:
    """Return a list, which is UTF-8 with or without a byte order mark.

    Lines end with LF or CR LF. Blank lines are skipped; there are no comments. ``.csv`` and ``.tsv`` follow
    RFC 4180 without line breaks in cells (`split_cells`), with a header or with two cells a line.
    ``.json`` is an object {name: label}, and a line of ``.jsonl`` one whose keys are the titles of a header.
    In any other file a line is the name, a tab (or spaces, if fewer than half of the lines have a tab) and
    the label, and quotes are characters like any other.

    Raises:
        UsageError: the file can't be read, is not UTF-8 (the line is named), or has no clear columns; or it
            has not the columns that `wanted` names.
    """
    suffix = path.suffix.lower()
    # Read as text, these would be thousands of bad lines.
    if suffix in OTHER_FORMATS:
        known = ".csv, .tsv, .txt, .jsonl or .json ({name: label})"
        remedy = "convert it, for example to CSV with the header file,label"
        raise UsageError(f"{path}: a list of labels is {known}, not {suffix}; {remedy}")
    if wanted.named and suffix not in (".csv", ".tsv", *ENDINGS):
        raise UsageError(f"{path}: only .csv, .tsv and .jsonl have columns, such as {wanted.named}")
    content = _decoded(path)
    if suffix == ".json":
        pairs = json_pairs(path, content)
        return LabelList(
            _line(str(path), f": {name!r}", partial(_pair, name, text), name) for name, text in pairs
        )
    for number, line in _numbered(content):
        if len(line) > _LONGEST_LINE:  # the cells of such a line would fill the memory
            raise UsageError(
                f"{path}:{number}: the line has {len(line):,} characters; "
                f"at most {_LONGEST_LINE:,} are allowed"
            )
    if suffix in (".csv", ".tsv"):
        rows = without_separator_line(content)
        return _csv_list(path, rows, DELIMITERS if suffix == ".csv" else "\t", wanted)
    if suffix in ENDINGS:
        return _object_list(path, content, wanted)
    return LabelList(_text_lines(path, content))


def _object_list(path: Path, content: str, wanted: WantedColumns) -> LabelList:
    number, first = next(_numbered(content), (0, ""))
    if not number:
        return LabelList(iter(()))
    keys = find_keys(f"{path}:{number}", first, wanted)
    lines = (
        _line(str(path), f":{at}", partial(read_cells, line, keys), "") for at, line in _numbered(content)
    )
    return LabelList(lines, keys.titles)


def _numbered(content: str) -> Iterator[tuple[int, str]]:
    """Yield the lines that are not blank with their numbers; a list of millions of them would fill memory."""
    # Not str.splitlines(), which also splits at U+2028 and at form feeds inside of labels.
    start = 0
    for number in itertools.count(1):
        end = content.find("\n", start)
        line = (content[start:] if end < 0 else content[start:end]).removesuffix("\r")
        if line.strip(" \t"):
            yield number, line
        if end < 0:
            return
        start = end + 1


def _decoded(path: Path) -> str:
    try:
        # As bytes, because text mode would turn every carriage return into the end of a line.
        return decode_utf8(read_named_file(path, _MOST_BYTES))
    except NotUtf8 as error:
        remedy = "save the list as UTF-8 (in Excel: CSV UTF-8)"
        raise UsageError(f"{path}:{error.line}: is not UTF-8 ({error}); {remedy}") from None


def _line(file: str, place: str, read: Callable[[], _Cells], name: str) -> Line:
    """Return the line of which `read` returns the cells; `name` is its name if they can't be read."""
    found, split = _slashed(name), None
    try:
        given, text, split, group = read()
        found = _slashed(given)
        if not given:
            raise BadSample("the line names no file")
        if isinstance(text, BadSample):
            raise text
        return Line(found, read_label(text), "", file, place, split, group)
    except BadSample as error:
        return Line(found, None, str(error), file, place, split)


def _pair(name: str, text: str) -> _Cells:
    return name, text, None, None


def _slashed(name: str) -> str:
    return name.replace("\\", "/")  # lists from Windows


def _text_lines(path: Path, content: str) -> Iterator[Line]:
    # Of all lines, because the label of one line may have a tab by mistake, and names may have spaces.
    with_tab = Counter("\t" in line for _, line in _numbered(content))
    tabbed = with_tab[True] >= with_tab[False]
    for number, line in _numbered(content):
        name = line.strip(" ").partition("\t" if tabbed else " ")[0].strip(" ")
        yield _line(str(path), f":{number}", partial(_text_pair, line, tabbed), name)


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


def _csv_list(path: Path, content: str, delimiters: str, wanted: WantedColumns) -> LabelList:
    # A spreadsheet saves empty rows as delimiters alone.
    def filled() -> Iterator[tuple[int, str]]:
        return ((number, line) for number, line in _numbered(content) if line.strip(" " + delimiters))

    number, first = next(filled(), (0, ""))
    if not number:
        return LabelList(iter(()))
    delimiter, columns = find_header(f"{path}:{number}", first, delimiters, wanted)
    guessed = len(delimiter) > 1  # a header decides, and so does the suffix .tsv
    if guessed and not columns:
        delimiter = guess_delimiter(path, filled())
    if not columns:
        second = next(itertools.islice(filled(), 1, None), (0, ""))[1]
        require_no_unknown_header(f"{path}:{number}", first, second, delimiter)
    after = number if columns else 0
    rows = (row for row in _numbered(content) if row[0] > after)
    lines = _csv_lines(str(path), rows, delimiter, columns, guessed=guessed)
    return LabelList(lines, columns.titles if columns else ())


def _csv_lines(
    path: str,
    rows: Iterable[tuple[int, str]],
    delimiter: str,
    columns: ListColumns | None,
    *,
    guessed: bool,
) -> Iterator[Line]:
    at = columns.name if columns else 0
    may_be_header = not columns
    for number, line in rows:
        if line.strip(" " + delimiter):
            # The name of a line that can't be used, as far as it can be told: its split follows from it.
            rough = [cell.strip(' "') for cell in line.split(delimiter, at + 1)]
            read = partial(_csv_cells, line, delimiter, columns, guessed=guessed)
            found = _line(path, f":{number}", read, rough[at] if at < len(rough) else "")
            yield replace(found, may_be_header=True) if may_be_header else found
            may_be_header = False


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
        raise BadSample(wrong_number(line, delimiter, cells, columns))
    split = None if known.split is None else cells[known.split].text
    group = None if known.group is None else cells[known.group].text
    return cells[known.name].text, cells[known.text].text, split, group
