"""Helpers of the tests of labelled folders: pictures, lists, and what a folder was read as."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PIL import Image

from ctcbench.builtin.folder import folder
from ctcbench.builtin.labelling.file_entry import FileEntry
from ctcbench.builtin.picture_sets.picture_set import PictureSet
from ctcbench.contract.data import SplitName


def fill(root: Path, *names: str) -> None:
    """Write a picture of each name."""
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (30, 10), 0).save(root / name)


def write(root: Path, **lists: str) -> None:
    """Write texts; ``__`` in a name is a ``/`` and ``_`` before the suffix a dot: ``train__labels_csv``."""
    for name, content in lists.items():
        file = root / ".".join(name.replace("__", "/").rsplit("_", 1))
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content, encoding="utf-8")


Folder = PictureSet[FileEntry]


def whole(root: Path, **options: Any) -> Folder:
    """Return a folder of which nothing is divided by fractions."""
    return folder(path=str(root), val=0, test=0, **options)


def labels(source: Folder, split: SplitName = "train") -> dict[str, str]:
    """Return the labels of the pictures that can be used, by name."""
    return {entry.name: entry.text for entry in source.splits[split] if entry.text is not None}


def faults(source: Folder, split: SplitName = "train") -> dict[str, str]:
    """Return the reasons of those that can't, by the name of the list or file and the line."""
    return {
        entry.where.removeprefix(f"{source.root}/"): entry.reason
        for entry in source.splits[split]
        if entry.text is None
    }
