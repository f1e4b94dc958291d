"""SplitRules: the division of pictures into train, val and test by lists of names, groups and shares."""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
import re
from array import array
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from ctcbench.builtin.picture_sets.entry import Entry
from ctcbench.builtin.picture_sets.entry_index import EntryIndex
from ctcbench.builtin.picture_sets.entry_list import EntryList
from ctcbench.builtin.picture_sets.name_lists import UNLISTED, NameLists
from ctcbench.builtin.picture_sets.packed_entries import name_of
from ctcbench.builtin.picture_sets.picture_options import PictureOptions
from ctcbench.contract.data import SPLITS, SplitName
from ctcbench.contract.errors import UsageError
from ctcbench.contract.word_lists import counted, join_words

E = TypeVar("E", bound=Entry)


@dataclass(frozen=True)
class SplitRules:
    """How the pictures that have no split of their own are divided."""

    options: PictureOptions

    def divide(
        self,
        found: Mapping[SplitName, EntryList[E]],
        own: Collection[SplitName],
        columns: Collection[str] = (),
    ) -> tuple[dict[SplitName, EntryIndex[E]], tuple[str, ...]]:
        """Return the pictures of all splits in their order, and notices.

        These name pictures that are not used, and groups in several splits; empty texts stand for none.

        Args:
            found: the pictures by split; those of train are divided among the splits that have no own. Their
                groups are set. Without train, which a scoring does not need, nothing is divided.
            own: the splits that have a place of their own: a folder, a file, a value of a column.
            columns: the columns beside names and labels, for the error about a group that is none.

        Raises:
            UsageError: the options contradict each other or the pictures, or leave no pictures for train.
        """
        lists = NameLists.read(self.options, own)
        carved = self._carved(own, lists)
        pool = found["train"] if "train" in found else EntryList(next(iter(found.values())).kind)
        self._set_groups(pool, columns)
        homes, notice = lists.take(pool)
        if "train" in lists.splits and carved:
            # Splits without a list take their shares of the listed training pictures.
            homes = array("b", [UNLISTED if SPLITS[home] == "train" else home for home in homes])
        # Whole groups, or single pictures: each is assigned by a digest of its name and not by its position,
        # so that a picture stays in its split when others come or go.
        if self.options.group:
            home_of = self._homes_of_groups(pool, homes, carved)
            for index, group in enumerate(pool.groups()):
                if homes[index] == UNLISTED:
                    homes[index] = SPLITS.index(home_of[group])
        else:
            listed = homes[:]
            for index, name in enumerate(pool.names()):
                if homes[index] == UNLISTED:
                    homes[index] = SPLITS.index(self._share_of(name, carved))
            self._fill_empty(pool, listed, homes, carved)
        splits = {
            split: self._in_order(pool, homes, at, found.get(split) if at else None)
            for at, split in enumerate(SPLITS)
        }
        total = sum(map(len, splits.values()))
        if total and not splits["train"] and "train" in found:
            raise UsageError(
                f"{self.options.owner}: other splits take all of its {total} pictures; train is empty"
            )
        return splits, (notice, self._shared_groups(pool, homes, found))

    def _in_order(
        self, pool: EntryList[E], homes: array[int], home: int, own: EntryList[E] | None
    ) -> EntryIndex[E]:
        """Return the entries of a pool that have a home, and those of a split's own place, in their order."""
        import numpy as np

        rows_N = np.flatnonzero(np.frombuffer(homes, np.int8) == home) if homes else np.zeros(0, np.int64)
        entries = pool
        if own is not None and len(own):
            if not len(rows_N):
                entries, rows_N = own, np.arange(len(own))
            else:
                rows_N = np.concatenate([np.arange(len(own)), rows_N + len(own)])
                entries = EntryList(pool.kind, itertools.chain(own, pool))
        # Shuffled by a digest of the name, so that a new picture does not move others.
        names = (name_of(entries.record(row)) for row in rows_N.data)
        digests = (self._digest("order", name) for name in names)
        order_N = np.argsort(np.fromiter(digests, np.uint64, len(rows_N)), kind="stable")
        return EntryIndex.of(entries, rows_N[order_N])

    def _carved(self, own: Collection[SplitName], lists: NameLists) -> dict[SplitName, float]:
        """Return the share of each split that has neither a place of its own nor a list of names."""
        # A share of a split that has its own is ignored: 0.1 is the default of both.
        shares: Mapping[SplitName, float] = {"val": self.options.val, "test": self.options.test}
        carved: dict[SplitName, float] = {
            split: share for split, share in shares.items() if split not in own and split not in lists.splits
        }
        if sum(carved.values()) >= 1:
            listed = join_words(f"{split}={share}" for split, share in carved.items())
            raise UsageError(
                f"{self.options.owner}: {listed} leave no pictures for train; together they must be below 1"
            )
        return carved

    def _set_groups(self, entries: EntryList[E], columns: Collection[str]) -> None:
        """Give the entries their groups, of the column or found in their names."""
        wanted = self.options.group
        if not wanted or not entries:
            return
        if any(entry.group is not None for entry in entries):
            empty = f"its cell in the column {wanted!r} is empty, and so it has no group"
            for index, group in enumerate(entries.groups()):
                if not group:
                    entries[index] = _without_label(entries[index], empty)
            return
        try:
            pattern = re.compile(wanted)
            groups = pattern.groups
        except re.error:
            groups = 0
        if groups != 1:
            listed = ", ".join(map(repr, columns)) or "none"
            raise UsageError(
                f"{self.options.owner}: group={wanted}: there is no such column (columns: {listed}), and it "
                f"is no regular expression with one group, as '^([^-]+)'"
            )
        for index, entry in enumerate(entries):
            match = pattern.search(entry.name)
            if match is None or not match[1]:
                entries[index] = _without_label(entry, f"group={wanted} is not found in its name")
            else:
                entries[index] = dataclasses.replace(entry, group=match[1])

    def _groups_of(self, entries: EntryList[E]) -> Iterable[str]:
        """Return the groups of entries whose split is stated, which needs no group."""
        if any(entry.group is not None for entry in entries):
            return entries.groups()
        try:
            pattern = re.compile(self.options.group)
        except re.error:
            return ()
        matches = map(pattern.search, entries.names())
        return (match[1] or "" for match in matches if match is not None and pattern.groups == 1)

    def _homes_of_groups(
        self, pool: EntryList[E], homes: array[int], carved: Mapping[SplitName, float]
    ) -> dict[str, SplitName]:
        """Return the split of each group: as many groups for a split as come nearest to its share.

        Only entries count that no list of names has.
        """
        unlisted = [home == UNLISTED for home in homes]
        sizes = Counter(itertools.compress(pool.groups(), unlisted))
        wanted = {split: share * sizes.total() for split, share in carved.items() if share}
        labelled = itertools.compress(zip(pool.groups(), pool.texts(), strict=True), unlisted)
        usable = {group for group, text in labelled if text is not None}
        if usable and len(usable) <= len(wanted):
            raise UsageError(
                f"{self.options.owner}: group={self.options.group} makes {len(usable)} "
                f"group{'s' if len(usable) > 1 else ''} of {sizes.total()} pictures, and "
                f"{join_words(['train', *wanted])} need one each; set a share to 0, or choose other groups"
            )
        waiting = sorted(usable, key=lambda group: self._digest("group", group))
        found: dict[str, SplitName] = dict.fromkeys(sizes, "train")
        for split, share in wanted.items():
            # The first group whatever its size: a split with a share is not left empty.
            taken = 0
            for group in list(waiting):
                if not taken or taken + sizes[group] / 2 <= share:
                    found[group] = split
                    taken += sizes[group]
                    waiting.remove(group)
                if taken >= share:
                    break
        return found

    def _share_of(self, name: str, carved: Mapping[SplitName, float]) -> SplitName:
        """Return the split of a picture, which depends only on its name and the seed."""
        drawn = self._drawn(name)
        for split, share in carved.items():
            if drawn < share:
                return split
            drawn -= share
        return "train"

    def _shared_groups(
        self, pool: EntryList[E], homes: array[int], found: Mapping[SplitName, EntryList[E]]
    ) -> str:
        """Return a notice of groups in several splits, as lists of names or splits of a set's own make."""
        if not self.options.group:
            return ""
        own_splits = [split for split in SPLITS[1:] if split in found]
        places: dict[str, int] = {}  # a bit for each split: a set may have millions of groups
        divided = zip(pool.groups(), (SPLITS[home] if home >= 0 else None for home in homes), strict=True)
        own = ((group, split) for split in own_splits for group in self._groups_of(found[split]))
        for group, split in itertools.chain(divided, own):
            if group and split:
                places[group] = places.get(group, 0) | 1 << SPLITS.index(split)
        shared = [group for group, bits in places.items() if bits & (bits - 1)]
        if not shared:
            return ""
        example = join_words(split for at, split in enumerate(SPLITS) if places[shared[0]] >> at & 1)
        return (
            f"group={self.options.group}: {len(shared)} of {counted(len(places), 'group')} are in several "
            f"splits, as {shared[0]!r} in {example}: the splits of the data set or of a list of names "
            f"are kept"
        )

    def _fill_empty(
        self, pool: EntryList[E], listed: array[int], homes: array[int], carved: Mapping[SplitName, float]
    ) -> None:
        """Give each split whose share is a picture or more, but to which none fell, the nearest one."""
        start, unlisted = 0.0, listed.count(UNLISTED)
        for split, share in carved.items():
            home, end = SPLITS.index(split), start + share
            if share * unlisted >= 1 and home not in homes:
                # Only in a small set, so that there may be an object for each picture.
                distances = {
                    index: max(start - drawn, drawn - end)
                    for index, name in enumerate(pool.names())
                    if listed[index] == UNLISTED and homes[index] == 0 and pool[index].text is not None
                    for drawn in (self._drawn(name),)
                }
                if len(distances) > 1:
                    homes[min(distances, key=distances.__getitem__)] = home
            start = end

    def _drawn(self, name: str) -> float:
        """Return a number from 0 to 1 that depends only on a name and the seed."""
        return self._digest("split", name) / 2**64

    def _digest(self, purpose: str, name: str) -> int:
        text = f"{self.options.seed} {purpose} {name}".encode(errors="backslashreplace")
        # 64 bits of it: for millions of names, whole digests would take more memory than the names.
        return int.from_bytes(hashlib.sha256(text).digest()[:8], "big")


def _without_label(entry: E, reason: str) -> E:
    # An entry that has no label already keeps its reason.
    return entry if entry.text is None else dataclasses.replace(entry, text=None, reason=reason)
