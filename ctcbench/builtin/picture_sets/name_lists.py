"""NameLists: files with the names of the pictures of a split, as data sets publish them."""

from __future__ import annotations

import itertools
from array import array
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from ctcbench.builtin.picture_sets.entry_list import EntryList
from ctcbench.builtin.picture_sets.picture_options import PictureOptions
from ctcbench.contract.data import SPLITS, SplitName
from ctcbench.contract.errors import UsageError
from ctcbench.contract.word_lists import counted, join_words
from ctcbench.files.paths import expand_home
from ctcbench.files.plain_files import MIB, read_named_file
from ctcbench.files.text_encoding import NotUtf8, decode_utf8

_MOST_BYTES = 1024 * MIB
_NAMED = 3  # names that an error or a notice lists
UNLISTED, UNUSED = -1, -2  # in place of a split


@dataclass(frozen=True)
class NameLists:
    """The names of each split that has a list: of pictures, without folder or suffix if that is clear, or of
    groups.
    """

    owner: str
    splits: Mapping[SplitName, tuple[str, frozenset[str]]]

    @classmethod
    def read(cls, options: PictureOptions, own: Collection[SplitName]) -> NameLists:
        """Return the lists that the options name.

        Raises:
            UsageError: a list can't be read, its split has a place of its own, or a name is in two lists.
        """
        splits: dict[SplitName, tuple[str, frozenset[str]]] = {}
        for split in SPLITS:
            given: str = getattr(options, f"{split}_names")
            if not given:
                continue
            if own:
                raise UsageError(
                    f"{options.owner}: {split}_names={given}: the data set has splits of its own "
                    f"({', '.join(sorted(own))}); name lists divide a set without"
                )
            path = expand_home(given, f"{options.owner}: {split}_names=")
            try:
                content = decode_utf8(read_named_file(path, _MOST_BYTES))
            except NotUtf8 as error:
                raise UsageError(
                    f"{path}:{error.line}: is not UTF-8 ({error}); save the list of names as UTF-8"
                ) from None
            names = frozenset(
                name.replace("\\", "/") for line in content.split("\n") if (name := line.strip())
            )
            if not names:
                raise UsageError(f"{path}: has no names of pictures, one a line")
            for other, (_, others) in splits.items():
                if both := sorted(names & others):
                    raise UsageError(f"{path}: {both[0]!r} is in {other}_names too; a picture has one split")
            splits[split] = (given, names)
        return cls(options.owner, splits)

    def take(self, pool: EntryList[Any]) -> tuple[array[int], str]:
        """Return the place in `SPLITS` of the split that lists each entry of a pool, and a notice.

        The place is `UNLISTED` where no list names the entry, and `UNUSED` if there is a list of the training
        pictures too.

        Raises:
            UsageError: a name is that of no picture or group, or of several pictures.
        """
        homes = array("b", [UNLISTED]) * len(pool)
        if not self.splits:
            return homes, ""
        by_name, ambiguous = _by_name(pool, frozenset().union(*(names for _, names in self.splits.values())))
        for split, (given, names) in self.splits.items():
            unknown = sorted(name for name in names if not by_name.get(name))
            if unknown:
                more = f" and {len(unknown) - _NAMED:,} more" if len(unknown) > _NAMED else ""
                raise UsageError(
                    f"{self.owner}: {split}_names={given}: no picture is called "
                    f"{', '.join(map(repr, unknown[:_NAMED]))}{more} (of {len(names):,} names)"
                )
            home = SPLITS.index(split)
            for name in names:
                if name in ambiguous:
                    several = join_words(pool[index].name for index in by_name[name][:2])
                    raise UsageError(
                        f"{self.owner}: {split}_names={given}: {name!r} may be {several}; write whole names"
                    )
                for index in by_name[name]:
                    if homes[index] not in (UNLISTED, home):
                        other = SPLITS[homes[index]]
                        raise UsageError(
                            f"{self.owner}: {pool[index].name} is in {other}_names and in {split}_names"
                        )
                    homes[index] = home
        left = homes.count(UNLISTED)
        if "train" not in self.splits or not left:
            return homes, ""
        first = itertools.islice((at for at, home in enumerate(homes) if home == UNLISTED), _NAMED)
        shown = ", ".join(pool[index].name for index in first)
        more = f" and {left - _NAMED:,} more" if left > _NAMED else ""
        unused = array("b", (UNUSED if home == UNLISTED else home for home in homes))
        return unused, f"not used: {counted(left, 'picture')} that no list of names has ({shown}{more})"


def _by_name(pool: EntryList[Any], wanted: Collection[str]) -> tuple[dict[str, list[int]], set[str]]:
    """Return the entries that a wanted name may mean, and the names that mean several pictures.

    A name is a whole name before a file name, before a stem, before a group.
    """
    kinds: list[dict[str, list[int]]] = [defaultdict(list) for _ in range(4)]
    for index, (whole_name, group) in enumerate(zip(pool.names(), pool.groups(), strict=True)):
        file = whole_name.rpartition("/")[2]
        names = (whole_name, file, file.rpartition(".")[0], group)
        for kind, name in zip(kinds, names, strict=True):
            if name and name in wanted:
                kind[name].append(index)
    whole, files, stems, groups = kinds
    # Last, so that it replaces the others.
    merged = groups | stems | files | whole
    partial = {**stems, **files}
    return merged, {name for name, found in partial.items() if len(found) > 1 and merged[name] is found}
