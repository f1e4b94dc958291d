"""reject_repeated(): one picture under several names or in several splits."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from ctcbench.builtin.labelling.file_entry import FileEntry
from ctcbench.builtin.labelling.file_identity import FileIdentities, Identity
from ctcbench.contract.data import SplitName
from ctcbench.files.text import abbreviated


def reject_repeated(splits: dict[SplitName, list[FileEntry]], identities: FileIdentities) -> None:
    """Replace entries of the same file by entries without a label.

    If their labels differ, none is used. If they agree, the first is, of test before val and train.
    """
    uses: dict[Identity, list[tuple[SplitName, int]]] = defaultdict(list)
    # A picture must not be trained on and tested on, so the use in test is the one that stays.
    for split in sorted(splits, key=("test", "val", "train").index):
        for index, entry in enumerate(splits[split]):
            if entry.text is not None and (identity := identities.of(entry.file)) is not None:
                uses[identity].append((split, index))
    for places in uses.values():
        if len(places) > 1:
            _reject(splits, places)


def _reject(splits: dict[SplitName, list[FileEntry]], places: list[tuple[SplitName, int]]) -> None:
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
