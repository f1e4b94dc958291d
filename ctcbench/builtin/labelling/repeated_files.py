"""reject_repeated(): one picture under several names or in several splits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from ctcbench.builtin.labelling.file_entry import FileEntry
from ctcbench.builtin.labelling.file_identity import number_files
from ctcbench.builtin.picture_sets.entry_list import EntryList
from ctcbench.contract.data import SplitName
from ctcbench.files.text import abbreviated

Splits = dict[SplitName, EntryList[FileEntry]]


def reject_repeated(splits: Splits) -> None:
    """Replace entries of the same file by entries without a label.

    If their labels differ, none is used. If they agree, the first is, of test before val and train.
    """
    import numpy as np

    # A picture must not be trained on and tested on, so the use in test is the one that stays.
    ordered = sorted(splits, key=("test", "val", "train").index)
    # An entry without a label has no file here, and so is never the same as another.
    paths = (path for split in ordered for path in _labelled_paths(splits[split]))
    numbers_N = number_files(paths)
    order_N = np.argsort(numbers_N, kind="stable")
    changes_N = np.flatnonzero(np.diff(numbers_N[order_N])) + 1
    starts_N = np.concatenate([np.zeros(1, np.int64), changes_N])
    sizes_N = np.diff(np.concatenate([starts_N, [len(order_N)]]))
    for at in np.flatnonzero(sizes_N > 1):
        rows = order_N[starts_N[at] : starts_N[at] + sizes_N[at]].tolist()
        if numbers_N[rows[0]] >= 0:
            _reject(splits, [_place(splits, ordered, row) for row in rows])


def _labelled_paths(entries: EntryList[FileEntry]) -> Iterator[str]:
    return (entry.path if entry.text is not None else "" for entry in entries)


def _place(splits: Splits, ordered: Sequence[SplitName], row: int) -> tuple[SplitName, int]:
    """Return the split of a row of all splits in order, and its row there."""
    for split in ordered:
        if row < len(splits[split]):
            return split, row
        row -= len(splits[split])
    raise IndexError(row)


def _reject(splits: Splits, places: list[tuple[SplitName, int]]) -> None:
    entries = [splits[split][index] for split, index in places]
    agree = len({entry.text for entry in entries}) == 1
    # Once for all of them: a name may be repeated thousands of times.
    reason = f": this file has several labels: {_labels(entries)}"
    if agree:
        reason = f" is the same file as in {entries[0].origin}, with the same label"
    for (split, index), entry in list(zip(places, entries, strict=True))[agree:]:
        splits[split][index] = replace(entry, text=None, reason=f"{entry.name}{reason}")


def _labels(entries: Sequence[FileEntry]) -> str:
    listed = ", ".join(f"{abbreviated(entry.text or '')!r} ({entry.origin})" for entry in entries[:3])
    return listed + (f" and {len(entries) - 3:,} more" if len(entries) > 3 else "")
