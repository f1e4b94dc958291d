"""The ``parquet`` data set: Parquet files with a column of pictures, as Hugging Face publishes data sets."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Annotated

from pydantic import Field

from ctcbench.builtin.labelling.split_folders import split_called
from ctcbench.builtin.picture_sets.entry_list import EntryList
from ctcbench.builtin.picture_sets.parquet_columns import PictureColumns
from ctcbench.builtin.picture_sets.parquet_index import read_index
from ctcbench.builtin.picture_sets.parquet_store import ParquetStore
from ctcbench.builtin.picture_sets.picture_options import PictureOptions, with_picture_options
from ctcbench.builtin.picture_sets.picture_set import FoundPictures, PictureSet, build_picture_set
from ctcbench.builtin.picture_sets.row_entry import RowEntry
from ctcbench.builtin.picture_sets.shard_files import find_shards
from ctcbench.builtin.picture_sets.shared_set import open_shared_set
from ctcbench.builtin.picture_sets.split_column import divide_by_column
from ctcbench.contract.components import dataset
from ctcbench.contract.data import SplitName
from ctcbench.contract.errors import UsageError
from ctcbench.decoding.optional_packages import require_package
from ctcbench.files.paths import expand_home


@dataset(reopen=open_shared_set)
@with_picture_options
def parquet(
    *,
    path: Annotated[
        str,
        Field(min_length=1, description="a Parquet file, or a folder of them"),
    ],
    image: Annotated[str, Field(description="column of the pictures (default: the only one there is)")] = "",
    label: Annotated[str, Field(description="column of the labels (default: label, text, …)")] = "",
    split: Annotated[
        str, Field(description="column of train, val and test (default: split or subset, if there is one)")
    ] = "",
    pictures: PictureOptions,
) -> PictureSet[RowEntry]:
    """Parquet files with a column of pictures, such as Hugging Face's image column.

    Splits are files whose names begin with train, validation or test, or folders of these names. A column of
    pictures has binary values, or structs with ``bytes`` (the content) and ``path`` (used where there is no
    content; relative to the file). Needs the package pyarrow.

    Raises:
        UsageError: there is no such file, or one is damaged or lacks a column.
    """
    require_package("pyarrow.parquet", "dataset parquet", "parquet")
    root = expand_home(path, "dataset parquet: path=")
    try:
        shards = find_shards(root, "Parquet file", _is_parquet, _split_of)
    except OSError as error:
        raise UsageError(f"{error.filename or root}: can't be read ({error.strerror})") from None
    wanted = PictureColumns(image, label, split, pictures.group)
    entries: dict[SplitName, EntryList[RowEntry]] = {}
    store = ParquetStore()
    columns: dict[str, None] = {}
    own: dict[SplitName, object] = dict(shards.own)
    indices = {
        name: [read_index(store, file, shards.name(root, file), wanted) for file in files]
        for name, files in shards.files.items()
    }
    for index in itertools.chain.from_iterable(indices.values()):
        columns |= dict.fromkeys(index.columns)
    if shards.own:
        for name, found in indices.items():
            entries[name] = EntryList(RowEntry, (entry for index in found for entry, _ in index.rows))
    else:
        # A cell may be empty: only cells with a split make splits.
        rows = (row for index in itertools.chain.from_iterable(indices.values()) for row in index.rows)
        entries, has_cells = divide_by_column(str(root), RowEntry, rows)
        own = {name: f"{root}: split {name!r}" for name in entries if has_cells}
    notices = tuple(filter(None, [*shards.notices, store.size_notice]))
    remedy = "label= selects the column of the labels"
    return build_picture_set(
        pictures, FoundPictures(root, entries, store, own, tuple(columns), notices, remedy)
    )


def _is_parquet(path: Path) -> bool:
    return path.suffix.lower() in (".parquet", ".pq") and not path.is_dir()


def _split_of(path: Path) -> SplitName | None:
    # train-00000-of-00002-1a2b.parquet, validation.parquet, test_0.parquet
    return split_called(path.stem.replace("_", "-").replace(".", "-").partition("-")[0])
