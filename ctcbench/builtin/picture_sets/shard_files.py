"""find_shards(): the files of a data set that has many pictures in each file, by split."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ctcbench.builtin.labelling.split_folders import find_split_folders, require_no_foreign_split
from ctcbench.contract.component_string import quote_value
from ctcbench.contract.data import SplitName
from ctcbench.contract.errors import UsageError
from ctcbench.contract.word_lists import join_words
from ctcbench.files.paths import outer_space_hint


@dataclass(frozen=True)
class Shards:
    """The files of each split, in the order of their paths.

    Attributes:
        files: the files by split; without splits, all are in train.
        own: the splits that have a folder or files of their own, and where.
        notices: files that are not used, and linked folders, which are not read.
    """

    files: Mapping[SplitName, list[Path]]
    own: Mapping[SplitName, Path]
    notices: tuple[str, ...] = ()

    def name(self, root: Path, shard: Path) -> str:
        """Return what the names of a file's pictures begin with: its path, if there are several files."""
        if sum(map(len, self.files.values())) == 1:
            return ""
        return f"{shard.relative_to(root).as_posix()}/"


def find_shards(
    root: Path, kind: str, is_shard: Callable[[Path], bool], split_of: Callable[[Path], SplitName | None]
) -> Shards:
    """Return the files of a data set: one that is named itself, or those below a folder.

    Args:
        root: the file or the folder.
        kind: what a file is called in errors: ``LMDB``.
        is_shard: whether a path is such a file.
        split_of: the split that the name of a file in a folder without splits tells.

    Raises:
        UsageError: there are none, or files of one split lie in a folder of another.
        OSError: a folder can't be read.
    """
    if not root.exists():
        raise UsageError(f"{root}: no such file or folder{outer_space_hint(root)}")
    if is_shard(root):
        return Shards({"train": [root]}, {})
    if not root.is_dir():
        raise UsageError(f"{root}: is no {kind}")
    own = find_split_folders(root)
    places: dict[SplitName, Path] = own or {"train": root}
    found = {split: _below(place, is_shard) for split, place in places.items()}
    files = {split: shards for split, (shards, _) in found.items()}
    everything, links = _below(root, is_shard) if own else found["train"]
    # A folder of a split may be a link itself.
    linked = dict.fromkeys(itertools.chain(links, *(links for _, links in found.values())))
    notices = _unused(
        root, [link for link in linked if link not in own.values()], "linked folder", "not read"
    )
    for split, place in places.items():
        if not files[split]:
            raise UsageError("; ".join([f"{place}: no {kind} in it", *notices]))
    if own:
        used = {file for shards in files.values() for file in shards}
        outside = [file for file in everything if file not in used]
        notices = _unused(root, outside, kind, "outside of the folders of splits") + notices
        return Shards(files, own, notices)
    named = [(file, split_of(file)) for file in files["train"]]
    splits = {split for _, split in named if split is not None}
    if not splits:
        # Only here: in a folder of a split such names are usual. Recognisers of scenes train on MJ_test.
        folders = {file if file.is_dir() else file.parent for file in files["train"]}
        require_no_foreign_split(root, "train", folders)
        return Shards(files, {}, notices)
    if "train" not in splits:
        raise UsageError(
            f"{root}: its files are called {join_words(sorted(splits))}, but none train; one that is named "
            f"itself is read whatever it is called: path={quote_value(str(named[0][0]))}"
        )
    by_name = {split: [file for file, called in named if called == split] for split in sorted(splits)}
    others = [file for file, called in named if called is None]
    notices = _unused(root, others, kind, "whose name begins with no split") + notices
    return Shards(by_name, dict.fromkeys(by_name, root), notices)


def _below(place: Path, is_shard: Callable[[Path], bool]) -> tuple[list[Path], list[Path]]:
    """Return the files below a folder, and the linked folders, which are not entered.

    Raises:
        OSError: a folder can't be read.
    """
    found: list[Path] = []
    linked: list[Path] = []
    for folder, folders, names in os.walk(place, onerror=_raise):
        if is_shard(Path(folder)):
            found.append(Path(folder))
            folders[:] = []
            continue
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        linked += [path for name in folders if (path := Path(folder, name)).is_symlink()]
        paths = (Path(folder, name) for name in sorted(names) if not name.startswith("."))
        found += [path for path in paths if is_shard(path)]
    return found, linked


def _raise(error: OSError) -> None:
    raise error


def _unused(root: Path, files: list[Path], kind: str, why: str) -> tuple[str, ...]:
    if not files:
        return ()
    shown = ", ".join(file.relative_to(root).as_posix() for file in files[:3])
    more = f" and {len(files) - 3} more" if len(files) > 3 else ""
    return (f"not used: {len(files)} {kind} {why} ({shown}{more})",)
