"""NameLists: files with the names of the pictures of a split, as data sets publish them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from ctcbench.builtin.picture_sets.entry import Entry
from ctcbench.builtin.picture_sets.picture_options import PictureOptions
from ctcbench.contract.data import SPLITS, SplitName
from ctcbench.contract.errors import UsageError
from ctcbench.files.paths import expand_home
from ctcbench.files.plain_files import MIB, read_named_file

_MOST_BYTES = 1024 * MIB
_NAMED = 3  # names that an error or a notice lists
E = TypeVar("E", bound=Entry)


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
                content = read_named_file(path, _MOST_BYTES).removeprefix(b"\xef\xbb\xbf").decode()
            except UnicodeDecodeError:
                raise UsageError(f"{path}: is not UTF-8; save the list of names as UTF-8") from None
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

    def take(self, pool: Sequence[E], splits: Mapping[SplitName, list[E]]) -> tuple[list[E], str]:
        """Move the listed entries of a pool to their splits; return the others, and a notice.

        Raises:
            UsageError: a name is that of no picture or group, or of several pictures.
        """
        if not self.splits:
            return list(pool), ""
        by_name, ambiguous = _by_name(pool)
        left: list[E] = []
        home: dict[int, SplitName] = {}
        for split, (given, names) in self.splits.items():
            unknown = sorted(name for name in names if not by_name.get(name))
            if unknown:
                more = f" and {len(unknown) - _NAMED:,} more" if len(unknown) > _NAMED else ""
                raise UsageError(
                    f"{self.owner}: {split}_names={given}: no picture is called "
                    f"{', '.join(map(repr, unknown[:_NAMED]))}{more} (of {len(names):,} names)"
                )
            for name in names:
                if name in ambiguous:
                    several = " and ".join(pool[index].name for index in by_name[name][:2])
                    raise UsageError(
                        f"{self.owner}: {split}_names={given}: {name!r} may be {several}; write whole names"
                    )
                for index in by_name[name]:
                    if home.setdefault(index, split) != split:
                        raise UsageError(
                            f"{self.owner}: {pool[index].name} is in {home[index]}_names and in {split}_names"
                        )
        for index, entry in enumerate(pool):
            if index in home:
                splits[home[index]].append(entry)
            else:
                left.append(entry)
        if "train" not in self.splits or not left:
            return left, ""
        shown = ", ".join(entry.name for entry in left[:_NAMED])
        more = f" and {len(left) - _NAMED:,} more" if len(left) > _NAMED else ""
        return [], f"not used: {len(left):,} pictures that no list of names has ({shown}{more})"


def _by_name(pool: Sequence[Entry]) -> tuple[dict[str, list[int]], set[str]]:
    """Return the entries that a name may mean, and the names that mean several pictures.

    A name is a whole name before a file name, before a stem, before a group.
    """
    kinds: list[dict[str, list[int]]] = [defaultdict(list) for _ in range(4)]
    for index, entry in enumerate(pool):
        file = entry.name.rpartition("/")[2]
        names = (entry.name, file, file.rpartition(".")[0], entry.group or "")
        for kind, name in zip(kinds, names, strict=True):
            if name:
                kind[name].append(index)
    whole, files, stems, groups = kinds
    # Last, so that it replaces the others.
    merged = groups | stems | files | whole
    partial = {**stems, **files}
    return merged, {name for name, found in partial.items() if len(found) > 1 and merged[name] is found}
