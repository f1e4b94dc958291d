"""read_folder(): the labelled pictures of a folder by split, and notices about them."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from ctcbench.builtin.label_notices import Labels, number_notice
from ctcbench.builtin.labelling.file_entry import FileEntry
from ctcbench.builtin.labelling.file_identity import relative_name
from ctcbench.builtin.labelling.file_paths import FilePaths
from ctcbench.builtin.labelling.folder_inventory import Inventory, files_directly_in, take_inventory
from ctcbench.builtin.labelling.label_sources import LabelOptions, choose_source
from ctcbench.builtin.labelling.list_columns import WantedColumns
from ctcbench.builtin.labelling.listed_files import ListedFiles, read_lists, without_entries
from ctcbench.builtin.labelling.repeated_files import reject_repeated
from ctcbench.builtin.labelling.split_folders import find_split_folders, require_no_foreign_split
from ctcbench.builtin.labelling.unlisted_files import labelled_by_name, labelled_by_sidecar
from ctcbench.builtin.labelling.unused_files import unused_notice
from ctcbench.builtin.picture_sets.entry_list import EntryList
from ctcbench.builtin.picture_sets.file_store import FileStore
from ctcbench.builtin.picture_sets.picture_set import FoundPictures
from ctcbench.contract.data import SplitName
from ctcbench.contract.errors import UsageError
from ctcbench.files.paths import similar_folder_hint
from ctcbench.files.picture_formats import SUFFIXES


def read_folder(root: Path, options: LabelOptions, group: str = "") -> FoundPictures[FileEntry]:
    """Return the pictures of a folder by split, with notices about their labels and about unused files.

    A split with a folder of its name consists of the pictures in it.

    Args:
        root: the folder.
        options: where labels come from.
        group: the title of a column of groups, if the list has it.

    Raises:
        UsageError: `root` is not a readable folder, no picture is left to train on, the source of labels is
            not clear, a list can't be read, or pictures of one split would be part of another.
    """
    _check_folder(root)
    own = find_split_folders(root)
    places: dict[SplitName, Path] = own or {"train": root}
    inventories = {split: take_inventory(place) for split, place in places.items()}
    # A list for all splits lies beside their folders.
    around = files_directly_in(root) if own else Inventory()
    files = _joined([*inventories.values(), around])
    source = choose_source(root, list(places.values()), options, files)
    found, doubts = ListedFiles({}), ""
    if source.lists:
        found = read_lists(root, own, source.lists, inventories, WantedColumns(group=group))
        origin = ", ".join(relative_name(root, path) for path in source.lists)
    elif source.sidecars:
        found.entries = labelled_by_sidecar(root, inventories, source.ending)
        origin = f"NAME{source.ending} beside each picture"
    else:
        for split, inventory in inventories.items():
            found.entries[split] = labelled_by_name(root, inventory, source.of_stem)
        origin = "file names"
        if options.label == "auto" and not options.pattern:
            doubts = number_notice(_labels(found.entries["train"]))
    # Lists are checked too: one written for a whole archive names the test pictures along with the others.
    for split, place in places.items():
        require_no_foreign_split(place, split, _folders(found.entries[split]))
    # Before the division by shares, which could put two names of one picture into two splits.
    reject_repeated(found.entries)
    unused = unused_notice(
        root,
        own,
        files,
        outside=list(without_entries(_distinct(around.pictures, found.outside), found.entries)),
        unlisted=found.unlisted,
        used={*source.lists, *source.sidecars, *_used_among(files.others, found.entries)},
    )
    notices = tuple(filter(None, [f"labels: {origin}", doubts, unused]))
    if not found.entries["train"]:
        reason = f"has no pictures (looked for .png, .jpg and {len(SUFFIXES) - 2} other suffixes)"
        if any(path.name == "data.mdb" for path in files.others):
            reason += f"; dataset lmdb:path={root} reads the LMDB in it"
        raise UsageError(f"{places['train']}: {reason}{'; ' if unused else ''}{unused}")
    remedy = "label= and list= select where labels come from"
    return FoundPictures(root, found.entries, FileStore(), own, found.columns, notices, remedy, doubts)


def _check_folder(root: Path) -> None:
    if not root.exists():
        raise UsageError(f"{root}: no such folder{similar_folder_hint(root)}")
    if not root.is_dir():
        raise UsageError(f"{root}: is a file; dataset folder needs the folder that holds the pictures")
    if not os.access(root, os.R_OK | os.X_OK):
        raise UsageError(f"{root}: no permission to read this folder")


def _joined(inventories: Iterable[Inventory]) -> Inventory:
    joined = Inventory()
    for inventory in inventories:
        joined.pictures.extend(inventory.pictures)
        joined.unread.extend(inventory.unread)
        joined.others.extend(inventory.others)
        joined.linked.extend(inventory.linked)
    return joined


def _labels(entries: EntryList[FileEntry]) -> Labels:
    """Return the labels of the entries that have one."""
    count = sum(text is not None for text in entries.texts())

    def name(wanted: int) -> str:
        labelled = (entry.where for entry in entries if entry.text is not None)
        return next(itertools.islice(labelled, wanted, None))

    return Labels(count, lambda: (text for text in entries.texts() if text is not None), name)


def _folders(entries: EntryList[FileEntry]) -> set[Path]:
    """Return the folders of the entries that have a label."""
    # As texts: there may be millions of entries, and of folders a few.
    labelled = (entry.path for entry in entries if entry.text is not None)
    return set(map(Path, {os.path.split(path)[0] for path in labelled}))


def _distinct(*paths: FilePaths) -> FilePaths:
    return FilePaths(dict.fromkeys(text for some in paths for text in some.texts()))


def _used_among(others: FilePaths, entries: Mapping[SplitName, EntryList[FileEntry]]) -> Iterator[Path]:
    """Yield the files without the suffix of a picture that are pictures: a list may name any file."""
    if others:
        wanted = set(others.texts())
        paths = (entry.path for listed in entries.values() for entry in listed)
        yield from map(Path, filter(wanted.__contains__, paths))
