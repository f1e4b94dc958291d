"""The ``lmdb`` data set: LMDBs of labelled pictures as other programs for text in scenes read them."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from ctcbench.builtin.picture_sets.entry_list import EntryList
from ctcbench.builtin.picture_sets.lmdb_store import LmdbStore, is_lmdb, read_index
from ctcbench.builtin.picture_sets.picture_options import PictureOptions, with_picture_options
from ctcbench.builtin.picture_sets.picture_set import FoundPictures, PictureSet, build_picture_set
from ctcbench.builtin.picture_sets.row_entry import RowEntry
from ctcbench.builtin.picture_sets.shard_files import find_shards
from ctcbench.builtin.picture_sets.shared_set import open_shared_set
from ctcbench.contract.components import dataset
from ctcbench.contract.data import SplitName
from ctcbench.contract.errors import UsageError
from ctcbench.files.paths import expand_home


@dataset(reopen=open_shared_set)
@with_picture_options
def lmdb(
    *,
    path: Annotated[
        str,
        Field(
            min_length=1, description="an LMDB, or a folder of them with train/, val/ and test/ or without"
        ),
    ],
    pictures: PictureOptions,
) -> PictureSet[RowEntry]:
    """LMDBs with the keys num-samples, image-000000001 and label-000000001, …

    The format is that of clovaai's deep-text-recognition-benchmark and of PARSeq (Baek et al., 2019; Bautista
    and Atienza, 2022).

    Raises:
        UsageError: there is no LMDB, or one lacks ``num-samples``, or is damaged.
    """
    root = expand_home(path, "dataset lmdb: path=")
    try:
        shards = find_shards(root, "LMDB", is_lmdb, lambda file: None)
        store = LmdbStore()
        entries: dict[SplitName, EntryList[RowEntry]] = {}
        for split, files in shards.files.items():
            entries[split] = EntryList(
                RowEntry,
                (entry for file in files for entry in read_index(store, file, shards.name(root, file))),
            )
    except OSError as error:
        raise UsageError(f"{error.filename or root}: can't be read ({error.strerror})") from None
    remedy = "a label is UTF-8 under the key label-000000001"
    return build_picture_set(
        pictures, FoundPictures(root, entries, store, shards.own, notices=shards.notices, remedy=remedy)
    )
