"""Folders of splits: the names that are recognised, and names that look like a split."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path

from ctcbench.contract.data import SPLITS, SplitName
from ctcbench.contract.errors import UsageError
from ctcbench.contract.word_lists import join_words

_NAMES: dict[SplitName, tuple[str, ...]] = {
    "train": ("train", "training"),
    "val": ("val", "valid", "validation", "dev"),
    "test": ("test", "testing"),
}
_USUAL = {name: split for split, names in _NAMES.items() for name in names}
# More words than above: `eval` may be either split, so it is not recognised, but it is not trained on.
_LIKELY: dict[SplitName, str] = {
    "train": "train|training",
    "val": "val|valid|validate|validation|dev",
    "test": "test|testing|eval|evaluation|holdout|heldout",
}


def find_split_folders(root: Path) -> dict[SplitName, Path]:
    """Return the folders of splits in a folder: train, val (valid, validation, dev) and test, in any case.

    Raises:
        UsageError: two folders are one split, or there are others but none to train on.
    """
    with os.scandir(root) as scanned:
        children = sorted(root / child.name for child in scanned if _is_shown_folder(child))
    own: dict[SplitName, Path] = {}
    for split in SPLITS:
        found = [child for child in children if child.name.lower() in _NAMES[split]]
        if len(found) > 1:
            several = join_words(f"{child.name}/" for child in found)
            raise UsageError(f"{root}: has {several}, which are all the split {split!r}; keep one of them")
        if found:
            own[split] = found[0]
    if own and "train" not in own:
        likely = [f"{child.name}/" for child in children if likely_split(child.name) == "train"]
        rename = f" (rename {likely[0]} to train/)" if likely else ""
        raise UsageError(f"{root}: has {folder_names(own.values())}, but no train/{rename}")
    return own


def folder_names(folders: Iterable[Path]) -> str:
    """Return ``train/, val/ and test/``."""
    return join_words(f"{folder.name}/" for folder in folders)


def split_called(name: str) -> SplitName | None:
    """Return the split of a usual name in any case: ``val`` for ``Validation``; None if it is none."""
    return _USUAL.get(name.strip().lower())


def likely_split(name: str) -> SplitName | None:
    """Return the split that the name of a folder suggests: ``test`` for ``Test_images``, ``testset2``."""
    for split, words in _LIKELY.items():
        if re.search(rf"(?:^|[\W\d_])(?:{words})(?:set|data|images?|imgs?)?s?(?=$|[\W\d_])", name.lower()):
            return split
    return None


def require_no_foreign_split(place: Path, split: SplitName, folders: Iterable[Path]) -> None:
    """Check that no picture of a split lies in a folder that looks like another split.

    Args:
        place: the folder of the split.
        split: the split.
        folders: the folders of its pictures. Outside of `place`, only the usual names of splits count.

    Raises:
        UsageError: one does, such as ``images/test`` below a folder that is divided by fractions.
    """
    for folder in sorted(folders):
        # Outside, a name such as `test-bench` need not have to do with this data set.
        inside = folder.is_relative_to(place) and ".." not in folder.parts
        relative = (
            folder.relative_to(place) if inside else Path(os.path.relpath(folder.resolve(), place.resolve()))
        )
        for part in relative.parts:
            likely = likely_split(part) if inside else _USUAL.get(part.lower())
            if likely in (None, split):
                continue
            parent = place.joinpath(*relative.parts[: relative.parts.index(part)])
            if split != "train":
                remedy = f"{place} is the split {split!r}; move it"
            elif any(child.name.lower() in _NAMES["train"] for child in parent.iterdir()):
                remedy = f"{place} is divided by shares, or trained on; give path={parent}"
            else:
                remedy = (
                    f"{place} is divided by shares, or trained on; move it beside a folder train/ in path="
                )
            raise UsageError(f"{folder}: looks like {likely!r} pictures, but {remedy}, or rename {part}/")


def _is_shown_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir() and not entry.name.startswith(".")
    except OSError:  # a link to itself
        return False
