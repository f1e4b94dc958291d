"""read_folder(): the labelled pictures of each split of a folder, and notices about them."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ctcbench.builtin.label_notices import number_notice
from ctcbench.builtin.labelling.entry import Entry
from ctcbench.builtin.labelling.file_identity import FileIdentities, relative_name
from ctcbench.builtin.labelling.folder_inventory import Inventory, files_directly_in, take_inventory
from ctcbench.builtin.labelling.label_sources import LabelOptions, choose_source
from ctcbench.builtin.labelling.listed_files import ListedFiles, read_lists
from ctcbench.builtin.labelling.repeated_files import reject_repeated
from ctcbench.builtin.labelling.split_folders import find_split_folders, require_no_foreign_split
from ctcbench.builtin.labelling.unlisted_files import labelled_by_name, labelled_by_sidecar
from ctcbench.builtin.labelling.unused_files import unused_notice
from ctcbench.contract.data import SPLITS, SplitName
from ctcbench.contract.errors import UsageError
from ctcbench.files.picture_formats import SUFFIXES


@dataclass(frozen=True)
class LabelledFolder:
    """The pictures of a folder.

    Attributes:
        own: the folders of splits; empty if all pictures are divided by fractions.
        splits: the pictures of each split, in their order.
        notices: where labels come from, whether they may be names, and which files are not used.
    """

    own: Mapping[SplitName, Path]
    splits: Mapping[SplitName, list[Entry]]
    notices: tuple[str, ...]


def read_folder(
    root: Path, options: LabelOptions, fractions: Mapping[str, float], seed: int
) -> LabelledFolder:
    """Return the pictures of each split.

    A split with a folder of its name consists of the pictures in it. Other splits take their fractions of
    ``train/``, or of all pictures if no split has a folder.

    Raises:
        UsageError: `root` is not a readable folder, no picture is left to train on, the source of labels is
            not clear, a list can't be read, or pictures of one split would be part of another.
    """
    _check_folder(root)
    own = find_split_folders(root)
    carved = _carved(own, fractions)
    places: dict[SplitName, Path] = own or {"train": root}
    inventories = {split: take_inventory(place) for split, place in places.items()}
    # A list for all splits lies beside their folders.
    around = files_directly_in(root) if own else Inventory()
    files = _joined([*inventories.values(), around])
    source = choose_source(root, list(places.values()), options, files)
    found, identities, doubts = ListedFiles({}), FileIdentities(), ""
    if source.lists:
        found = read_lists(root, own, source.lists, inventories, identities)
        origin = ", ".join(relative_name(root, path) for path in source.lists)
    elif source.sidecars:
        found.entries = labelled_by_sidecar(root, inventories)
        origin = "NAME.gt.txt beside each picture"
    else:
        for split, inventory in inventories.items():
            found.entries[split] = labelled_by_name(root, inventory, source.of_stem)
        origin = "file names"
        if options.label == "auto" and not options.pattern:
            doubts = number_notice({e.where: e.text for e in found.entries["train"] if e.text is not None})
    # Lists are checked too: one written for a whole archive names the test pictures along with the others.
    for split, place in places.items():
        require_no_foreign_split(
            place, split, {entry.file.parent for entry in found.entries[split] if entry.text is not None}
        )
    # Before the division by shares, which could put two names of one picture into two splits.
    reject_repeated(found.entries, identities)
    unused = unused_notice(
        root,
        own,
        files,
        outside=_without({}.fromkeys([*around.pictures, *found.outside]), found.entries, identities),
        unlisted=found.unlisted,
        used={*source.lists, *source.sidecars, *_files(found.entries)},
    )
    notices = tuple(filter(None, [f"labels: {origin}", doubts, unused]))
    total = len(found.entries["train"])
    splits = _divided(found.entries, carved, seed)
    if not splits["train"]:
        reason = f"no pictures in it (looked for .png, .jpg and {len(SUFFIXES) - 2} other suffixes)"
        if total:
            reason = f"the shares of other splits leave none of its {total} pictures"
        raise UsageError(f"{places['train']}: nothing to train on: {reason}{'; ' if unused else ''}{unused}")
    return LabelledFolder(own, splits, notices)


def _check_folder(root: Path) -> None:
    if not root.exists():
        raise UsageError(f"{root}: no such folder")
    if not root.is_dir():
        raise UsageError(f"{root}: is a file; dataset folder needs the folder that holds the pictures")
    if not os.access(root, os.R_OK | os.X_OK):
        raise UsageError(f"{root}: no permission to read this folder")


def _carved(own: Mapping[SplitName, Path], fractions: Mapping[str, float]) -> dict[SplitName, float]:
    """Return the fraction of each split that has no folder."""
    # A share of a split that has a folder is ignored: 0.1 is the default of both.
    carved: dict[SplitName, float] = {
        split: fractions[split] for split in SPLITS if split != "train" and split not in own
    }
    if sum(carved.values()) >= 1:
        shares = " and ".join(f"{split}={share}" for split, share in carved.items())
        raise UsageError(f"dataset folder: {shares} leave nothing to train on; together they must be below 1")
    return carved


def _joined(inventories: Iterable[Inventory]) -> Inventory:
    joined = Inventory()
    for inventory in inventories:
        joined.pictures.extend(inventory.pictures)
        joined.unread.extend(inventory.unread)
        joined.others.extend(inventory.others)
        joined.linked.extend(inventory.linked)
    return joined


def _files(entries: Mapping[SplitName, list[Entry]]) -> Iterator[Path]:
    return (entry.file for listed in entries.values() for entry in listed)


def _without(
    files: Iterable[Path], entries: Mapping[SplitName, list[Entry]], identities: FileIdentities
) -> list[Path]:
    """Return the files that are not among the entries under any name."""
    if not (files := list(files)):
        return []
    used = set(map(identities.of, _files(entries)))
    return [file for file in files if identities.of(file) not in used]


def _divided(
    entries: dict[SplitName, list[Entry]], carved: Mapping[SplitName, float], seed: int
) -> dict[SplitName, list[Entry]]:
    """Return the entries of all splits in their order; the `carved` splits take their fraction of train."""
    splits: dict[SplitName, list[Entry]] = {split: entries.get(split, []) for split in SPLITS}
    # By name and not by position, so that a picture stays in its split when others come or go.
    pool, splits["train"] = splits["train"], []
    for entry in pool:
        splits[_share(seed, entry.name, carved)].append(entry)
    for ordered in splits.values():
        # Shuffled by a digest of the name, so that a new file does not move others.
        ordered.sort(key=lambda entry: (_digest(seed, "order", entry.name), entry.name, entry.where))
    return splits


def _share(seed: int, name: str, carved: Mapping[SplitName, float]) -> SplitName:
    """Return the split of a file, which depends only on its name and the seed."""
    drawn = int.from_bytes(_digest(seed, "split", name)[:8], "big") / 2**64
    for split, share in carved.items():
        if drawn < share:
            return split
        drawn -= share
    return "train"


def _digest(seed: int, purpose: str, name: str) -> bytes:
    return hashlib.sha256(f"{seed} {purpose} {name}".encode(errors="backslashreplace")).digest()
