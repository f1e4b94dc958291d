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
    label, and so reported.

    Args:
        where: the table, for errors.
        kind: the class of the entries.
        labelled: the pictures with their cells, None if the table has no such column.

    Raises:
        UsageError: there are cells, but none names train.
    """
    splits: dict[SplitName, EntryList[E]] = {"train": EntryList(kind)}
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
    if named and "train" not in named:
        raise UsageError(f"{where}: its column of splits has {join_words(sorted(named))}, but no train")
    return splits, has_cells
