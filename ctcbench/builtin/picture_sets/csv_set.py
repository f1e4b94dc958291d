"""The ``csv`` data set: a table with a picture, its label and perhaps its split in each line."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Annotated

from pydantic import Field

from ctcbench.builtin.labelling.file_entry import FileEntry
from ctcbench.builtin.labelling.label_list import LabelList, read_list
from ctcbench.builtin.labelling.list_columns import WantedColumns
from ctcbench.builtin.labelling.listed_files import PictureFinder
from ctcbench.builtin.labelling.repeated_files import reject_repeated
from ctcbench.builtin.picture_sets.file_store import FileStore
from ctcbench.builtin.picture_sets.picture_options import PictureOptions, with_picture_options
from ctcbench.builtin.picture_sets.picture_set import FoundPictures, PictureSet, build_picture_set
from ctcbench.builtin.picture_sets.shared_set import open_shared_set
from ctcbench.builtin.picture_sets.split_column import divide_by_column
from ctcbench.contract.components import dataset
from ctcbench.contract.errors import UsageError
from ctcbench.contract.options import AddedLater
from ctcbench.files.paths import expand_home, outer_space_hint
from ctcbench.files.plain_files import is_folder


@dataset(reopen=open_shared_set)
@with_picture_options
def csv(
    *,
    path: Annotated[str, Field(min_length=1, description="the table: .csv, .tsv, or a list as for folder")],
    image: Annotated[
        str,
        Field(description="column of the pictures, relative to the table (default: file, image, path, …)"),
    ] = "",
    label: Annotated[str, Field(description="column of the labels (default: label, text, …)")] = "",
    split: Annotated[
        str, Field(description="column of train, val and test (default: split or subset, if there is one)")
    ] = "",
    folder: Annotated[
        str,
        Field(
            description="folder of the pictures, relative to that of the table (default: that of the table)"
        ),
        AddedLater(),
    ] = "",
    suffix: Annotated[str, Field(description="what the names in the table lack, as .png"), AddedLater()] = "",
    pictures: PictureOptions,
) -> PictureSet[FileEntry]:
    """Pictures that a table names, with their labels and perhaps their splits.

    The table is read by the rules of `read_list`. Unlike ``folder``, nothing else in its folder matters.

    Raises:
        UsageError: the table can't be read, or lacks a column, or there is no such folder.
    """
    table = expand_home(path, "dataset csv: path=")
    if table.is_dir():
        raise UsageError(f"{table}: is a folder; give the table in it, or use dataset folder")
    try:
        read = read_list(table, WantedColumns(image, label, split, pictures.group))
    except UsageError as error:
        raise UsageError(f"{error}{outer_space_hint(table)}") from None
    lines = _Lines(_picture_folder(table.parent, folder), suffix, read)
    splits, _ = divide_by_column(str(table), FileEntry, lines.entries())
    if not any(splits.values()):
        raise UsageError(f"{table}: has no lines with labels")
    # Before the division by shares, which could put two names of one picture into two splits.
    reject_repeated(splits)
    own = {name: f"{table}: split {name!r}" for name in splits} if lines.have_splits else {}
    found = FoundPictures(
        table,
        splits,
        FileStore(),
        own,
        read.titles,
        remedy="image= and label= select the columns, folder= and suffix= complete names",
    )
    return build_picture_set(pictures, found)


def _picture_folder(place: Path, folder: str) -> Path:
    if not folder:
        return place
    given = expand_home(folder, "dataset csv: folder=")
    # The place of the table first, so that a study gives the same result wherever it is started.
    for candidate in (place / given, given):
        if is_folder(candidate):
            return candidate
    raise UsageError(
        f"dataset csv: folder={folder}: no such folder; it is relative to {place} or to the current folder"
    )


class _Lines:
    """The lines of a table.

    Attributes:
        have_splits: whether one of those that were read has a cell in a column of splits.
    """

    def __init__(self, folder: Path, suffix: str, read: LabelList) -> None:
        self.have_splits = False
        self._folder, self._suffix, self._read = folder, suffix, read

    def entries(self) -> Iterator[tuple[FileEntry, str | None]]:
        """Yield the entries with their cells in the column of splits; called once."""
        finder = PictureFinder(self._folder, {}, {})
        for line in self._read.lines:
            whole = replace(line, name=line.name + self._suffix) if self._suffix else line
            entry, _ = finder.entry(whole, self._folder, None)
            self.have_splits = self.have_splits or line.split is not None
            yield entry, line.split
