"""The columns of a list of labels: their titles, and which of them hold names, labels, splits and groups."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass

from ctcbench.builtin.labelling.line_cells import Cell, quoted, split_cells
from ctcbench.contract.errors import BadSample, UsageError, nearest
from ctcbench.contract.word_lists import counted, join_words
from ctcbench.files.picture_formats import SUFFIXES

NAME_TITLES = (
    "file", "filename", "file_name", "image", "image_path", "image_name", "img", "img_path", "name", "path",
    "picture",
)  # fmt: skip
TEXT_TITLES = (
    "label", "labels", "text", "target", "transcription", "transcript", "words", "word", "ground_truth", "gt",
    "sentence",
)  # fmt: skip
SPLIT_TITLES = ("split", "subset")


@dataclass(frozen=True)
class WantedColumns:
    """The columns that the user names.

    Attributes:
        name: the title of the names of pictures; empty: one of `NAME_TITLES`.
        text: the title of the labels; empty: one of `TEXT_TITLES`.
        split: the title of the splits; empty: one of `SPLIT_TITLES` if there is one; None: not read.
        group: the title of the groups, if there is such a column.
    """

    name: str = ""
    text: str = ""
    split: str | None = None
    group: str = ""

    @property
    def named(self) -> str:
        """The titles that a list must have, for an error."""
        return join_words(title for title in (self.name, self.text, self.split) if title)


@dataclass(frozen=True)
class ListColumns:
    """The number of cells of each line, and which of them are read; without a header two, name and label."""

    number: int = 2
    name: int = 0
    text: int = 1
    split: int | None = None
    group: int | None = None
    titles: tuple[str, ...] = ()


def find_columns(where: str, cells: Sequence[str], wanted: WantedColumns) -> ListColumns | None:
    """Return the columns if the cells of a line are the titles of a header, None if they are not.

    Args:
        where: the line, for errors.
        cells: its cells.
        wanted: what the user chose.

    Raises:
        UsageError: a column that the user named is missing, a header lacks the names or the labels, or
            several columns may be either.
    """
    titles = [_folded(cell) for cell in cells]
    names = _having(titles, [_folded(wanted.name)] if wanted.name else NAME_TITLES)
    texts = _having(titles, [_folded(wanted.text)] if wanted.text else TEXT_TITLES)
    splits = _having(titles, [_folded(wanted.split)] if wanted.split else SPLIT_TITLES)
    for title, found in ((wanted.name, names), (wanted.text, texts), (wanted.split, splits)):
        if title and not found:
            raise UsageError(
                f"{where}: no column {title!r}{nearest(title, cells)} (columns: {', '.join(cells)})"
            )
    if not names or not texts:
        _require_no_half_header(where, cells, names, texts, is_header=bool(wanted.named))
        return None
    for found, what in ((names, "names"), (texts, "labels")):
        if len(found) > 1:
            several = join_words(cells[index] for index in found)
            raise UsageError(f"{where}: the columns {several} may all hold the {what}; rename all but one")
    groups = _having(titles, [_folded(wanted.group)]) if wanted.group else []
    return ListColumns(
        len(titles),
        names[0],
        texts[0],
        splits[0] if splits and wanted.split is not None else None,
        groups[0] if groups else None,
        tuple(cells),
    )


def find_header(
    where: str, line: str, delimiters: str, wanted: WantedColumns
) -> tuple[str, ListColumns | None]:
    """Return the delimiter and the columns if a line is a header; all delimiters and None if it is not.

    Raises:
        UsageError: as `find_columns`.
    """
    cells: dict[str, list[str]] = {}
    for mark in delimiters:
        with contextlib.suppress(BadSample):
            cells[mark] = [cell.text for cell in split_cells(line, mark)]
    # The delimiter that makes the most cells first: an error about the columns lists those.
    errors: list[UsageError] = []
    for mark in sorted(cells, key=lambda mark: -len(cells[mark])):
        try:
            if columns := find_columns(where, cells[mark], wanted):
                return mark, columns
        except UsageError as error:  # a title may have more commas than the header has delimiters
            errors.append(error)
    if errors:
        raise errors[0]
    return delimiters, None


def require_no_unknown_header(where: str, first: str, second: str, delimiter: str) -> None:
    """Check that the first line of a list without a known header is none: each line would be reported.

    Of two columns this is not certain: a list may begin with a picture that has no suffix.

    Args:
        where: the first line, for errors.
        first: that line.
        second: the next one.
        delimiter: what separates their cells.

    Raises:
        UsageError: no cell of the first line is called like a picture, and one of the second line is.
    """
    try:
        titles, cells = ([cell.text for cell in split_cells(line, delimiter)] for line in (first, second))
    except BadSample:  # an open quote, which is reported with the line
        return
    pictures = [title for title, cell in zip(titles, cells, strict=False) if _is_picture(cell)]
    if len(titles) < 3 or len(titles) != len(cells) or not pictures or any(map(_is_picture, titles)):
        return
    others = [title for title in titles if title not in pictures]
    raise UsageError(
        f"{where}: the titles {', '.join(map(repr, titles))} are not known. Pictures are in {pictures[0]!r}: "
        f"dataset csv reads them with image={pictures[0]},label=TITLE, where TITLE is the column of the "
        f"labels ({join_words(others, 'or')}); or call the two columns file and label"
    )


def _is_picture(cell: str) -> bool:
    return cell.lower().endswith(tuple(SUFFIXES))


def _require_no_half_header(
    where: str, cells: Sequence[str], names: Sequence[int], texts: Sequence[int], *, is_header: bool
) -> None:
    """Check that a line is not a header without names or labels: another column would be taken for them."""
    # A picture may be labelled `text` or `name`, and then its own name is there too.
    has_file = not is_header and any("." in cell or "/" in cell or "\\" in cell for cell in cells)
    if len(cells) < 2 or has_file or not (names or texts):
        return
    lacking, option, titles = (
        ("labels", "label", TEXT_TITLES) if names else ("names of pictures", "image", NAME_TITLES)
    )
    raise UsageError(
        f"{where}: the header has no column of {lacking} (columns: {', '.join(cells)}); call it {titles[0]} "
        f"(or {', '.join(titles[1:4])}, …), or name it with {option}=TITLE of dataset csv"
    )


def wrong_number(line: str, delimiter: str, cells: list[Cell], columns: ListColumns | None) -> str:
    """Return why a line has not as many cells as its list has columns; None: a list without a header."""
    known = columns or ListColumns()
    number, text = known.number, known.text
    counts = f"the line has {counted(len(cells), 'cell')}, {'the header has' if columns else 'not'} {number}"
    if len(cells) < number:
        return counts if columns else f"{counts}: it has no label (separated by {delimiter!r})"
    # Only then are the surplus cells surely part of the text.
    if text == number - 1 and known.name < text:
        whole = quoted(line[cells[text].start :].rstrip(" "))
        other = "" if columns else f"; more columns need a header such as file{delimiter}label"
        return f"{counts}; a text with {delimiter!r} in it is quoted: {whole}{other}"
    return f"{counts}; a cell with {delimiter!r} in it is quoted"


def _folded(title: str) -> str:
    return title.lower().replace(" ", "_")


def _having(titles: Sequence[str], wanted: Sequence[str]) -> list[int]:
    return [index for index, title in enumerate(titles) if title in wanted]
