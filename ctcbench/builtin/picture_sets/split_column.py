"""divide_by_column(): the splits that a column of a table names."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import TypeVar

from ctcbench.builtin.labelling.split_folders import split_called
from ctcbench.builtin.picture_sets.entry import Entry
from ctcbench.builtin.picture_sets.entry_list import EntryList
from ctcbench.contract.data import SplitName
from ctcbench.contract.errors import UsageError
from ctcbench.contract.word_lists import join_words
from ctcbench.files.text import abbreviated

E = TypeVar("E", bound=Entry)


def divide_by_column(
    where: str, kind: type[E], labelled: Iterable[tuple[E, str | None]]
) -> tuple[dict[SplitName, EntryList[E]], bool]:
    """Return pictures by the split that their cell names, and whether any has a cell that is not empty.

    Where there are no cells, all are in train. A picture whose cell names no split is left without a
    label, and so reported. Where cells name splits, but not train, there is no train, and pictures that can't
    be used are reported with test or val.

    Args:
        where: the table, for errors.
        kind: the class of the entries.
        labelled: the pictures with their cells, None if the table has no such column.

    Raises:
        UsageError: cells name splits, but not train, and there are pictures with no cell.
    """
    splits: dict[SplitName, EntryList[E]] = {}
    named: set[SplitName] = set()
    has_cells = False
    for entry, cell in labelled:
        has_cells = has_cells or bool(cell)
        split = None if cell is None else split_called(cell)
        if split is not None:
            named.add(split)
        elif cell is not None and entry.text is not None:
            reason = f"its split {abbreviated(cell)!r} is none of train, val (validation, dev) and test"
            entry = dataclasses.replace(entry, text=None, reason=reason)
        home = split or "train"
        if home not in splits:
            splits[home] = EntryList(kind)
        splits[home].append(entry)
    if named and "train" not in named and "train" in splits:
        homeless = splits.pop("train")
        if any(text is not None for text in homeless.texts()):  # of a file without the column
            raise UsageError(f"{where}: its column of splits has {join_words(sorted(named))}, but no train")
        for entry in homeless:
            splits["test" if "test" in named else "val"].append(entry)
    return splits or {"train": EntryList(kind)}, has_cells
