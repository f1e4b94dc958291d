"""SplitRules: the division of pictures into train, val and test by lists of names, groups and shares."""

from __future__ import annotations

import dataclasses
import hashlib
import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from ctcbench.builtin.picture_sets.entry import Entry
from ctcbench.builtin.picture_sets.name_lists import NameLists
from ctcbench.builtin.picture_sets.picture_options import PictureOptions
from ctcbench.contract.data import SPLITS, SplitName
from ctcbench.contract.errors import UsageError

E = TypeVar("E", bound=Entry)


@dataclass(frozen=True)
class SplitRules:
    """How the pictures that have no split of their own are divided."""

    options: PictureOptions

    def divide(
        self,
        found: Mapping[SplitName, Sequence[E]],
        own: Collection[SplitName],
        columns: Collection[str] = (),
    ) -> tuple[dict[SplitName, list[E]], str]:
        """Return the pictures of all splits in their order, and a notice about pictures that are not used.

        Args:
            found: the pictures by split; those of train are divided among the splits that have no own.
            own: the splits that have a place of their own: a folder, a file, a value of a column.
            columns: the columns beside names and labels, for the error about a group that is none.

        Raises:
            UsageError: the options contradict each other or the pictures, or leave nothing to train on.
        """
        lists = NameLists.read(self.options, own)
        carved = self._carved(own, lists)
        splits: dict[SplitName, list[E]] = {split: list(found.get(split, ())) for split in SPLITS}
        pool, splits["train"] = self._grouped(splits["train"], columns), []
        pool, notice = lists.take(pool, splits)
        # Whole groups, or single pictures: each is assigned by a digest of its name and not by its position,
        # so that a picture stays in its split when others come or go.
        if self.options.group:
            home = self._homes_of_groups(pool, carved)
            for entry in pool:
                splits[home[_group(entry)]].append(entry)
        else:
            for entry in pool:
                splits[self._share_of(entry.name, carved)].append(entry)
        for ordered in splits.values():
            # Shuffled by a digest of the name, so that a new picture does not move others.
            ordered.sort(key=lambda entry: self._digest("order", entry.name))
        total = sum(map(len, splits.values()))
        if total and not splits["train"]:
            raise UsageError(
                f"{self.options.owner}: nothing to train on: other splits take all of its {total} pictures"
            )
        return splits, notice

    def _carved(self, own: Collection[SplitName], lists: NameLists) -> dict[SplitName, float]:
        """Return the share of each split that has neither a place of its own nor a list of names."""
        # A share of a split that has its own is ignored: 0.1 is the default of both.
        shares: Mapping[SplitName, float] = {"val": self.options.val, "test": self.options.test}
        carved: dict[SplitName, float] = {
            split: share for split, share in shares.items() if split not in own and split not in lists.splits
        }
        if sum(carved.values()) >= 1:
            listed = " and ".join(f"{split}={share}" for split, share in carved.items())
            raise UsageError(
                f"{self.options.owner}: {listed} leave nothing to train on; together they must be below 1"
            )
        return carved

    def _grouped(self, entries: list[E], columns: Collection[str]) -> list[E]:
        """Return the entries with their groups, of the column or found in their names."""
        wanted = self.options.group
        if not wanted or not entries:
            return entries
        if any(entry.group is not None for entry in entries):
            empty = f"its cell in the column {wanted!r} is empty, and so it has no group"
            return [entry if entry.group else _without_label(entry, empty) for entry in entries]
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
        found = []
        for entry in entries:
            match = pattern.search(entry.name)
            if match is None or not match[1]:
                found.append(_without_label(entry, f"group={wanted} is not found in its name"))
            else:
                found.append(dataclasses.replace(entry, group=match[1]))
        return found

    def _homes_of_groups(
        self, pool: Sequence[Entry], carved: Mapping[SplitName, float]
    ) -> dict[str, SplitName]:
        """Return the split of each group: as many groups for a split as come nearest to its share."""
        sizes = Counter(_group(entry) for entry in pool)
        wanted = {split: share * len(pool) for split, share in carved.items() if share}
        usable = {_group(entry) for entry in pool if entry.text is not None}
        if usable and len(usable) <= len(wanted):
            raise UsageError(
                f"{self.options.owner}: group={self.options.group} makes {len(usable)} "
                f"group{'s' if len(usable) > 1 else ''} of {len(pool)} pictures, and train, "
                f"{' and '.join(wanted)} need one each; set a share to 0, or choose other groups"
            )
        waiting = sorted(usable, key=lambda group: self._digest("group", group))
        homes: dict[str, SplitName] = dict.fromkeys(sizes, "train")
        for split, share in wanted.items():
            # The first group whatever its size: a split with a share is not left empty.
            taken = 0
            for group in list(waiting):
                if not taken or taken + sizes[group] / 2 <= share:
                    homes[group] = split
                    taken += sizes[group]
                    waiting.remove(group)
                if taken >= share:
                    break
        return homes

    def _share_of(self, name: str, carved: Mapping[SplitName, float]) -> SplitName:
        """Return the split of a picture, which depends only on its name and the seed."""
        drawn = self._digest("split", name) / 2**64
        for split, share in carved.items():
            if drawn < share:
                return split
            drawn -= share
        return "train"

    def _digest(self, purpose: str, name: str) -> int:
        text = f"{self.options.seed} {purpose} {name}".encode(errors="backslashreplace")
        # 64 bits of it: for millions of names, whole digests would take more memory than the names.
        return int.from_bytes(hashlib.sha256(text).digest()[:8], "big")


def _group(entry: Entry) -> str:
    return entry.group or ""


def _without_label(entry: E, reason: str) -> E:
    # An entry that has no label already keeps its reason.
    return entry if entry.text is None else dataclasses.replace(entry, text=None, reason=reason)
