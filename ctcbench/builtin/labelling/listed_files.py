"""read_lists(): the pictures that lists of labels name, by split."""

from __future__ import annotations

import functools
import itertools
import os
import re
import stat
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ctcbench.builtin.labelling.file_entry import FileEntry
from ctcbench.builtin.labelling.file_identity import number_files, relative_name
from ctcbench.builtin.labelling.file_paths import FilePaths
from ctcbench.builtin.labelling.folder_inventory import Inventory
from ctcbench.builtin.labelling.label_list import Line, read_list
from ctcbench.builtin.labelling.list_columns import WantedColumns
from ctcbench.builtin.labelling.similar_names import SimilarNames, folded
from ctcbench.builtin.picture_sets.entry_list import EntryList
from ctcbench.contract.data import SplitName
from ctcbench.contract.errors import BadSample, UsageError
from ctcbench.contract.word_lists import counted, join_words
from ctcbench.files.text import abbreviated

_USUAL = WantedColumns()


@dataclass
class ListedFiles:
    """What the lists of a folder name.

    Attributes:
        entries: the lines of each split.
        columns: the titles of the columns of the lists.
        outside: listed pictures in no folder of a split, though there are such folders.
        unlisted: pictures of the splits that no list names.
    """

    entries: dict[SplitName, EntryList[FileEntry]]
    columns: tuple[str, ...] = ()
    outside: FilePaths = field(default_factory=FilePaths)
    unlisted: FilePaths = field(default_factory=FilePaths)


def read_lists(
    root: Path,
    own: Mapping[SplitName, Path],
    lists: Sequence[Path],
    inventories: Mapping[SplitName, Inventory],
    wanted: WantedColumns = _USUAL,
) -> ListedFiles:
    """Return the pictures that the lists name, by split.

    Names are relative to the folder of the list, or to `root`. A line belongs to the split whose folder has
    its picture. The list of a split may also name pictures outside of all splits.

    Args:
        root: the folder of the data set.
        own: the folders of the splits; empty if all pictures are one pool, ``train``.
        lists: the lists.
        inventories: the files of each split.
        wanted: the columns of the lists that are read.

    Raises:
        UsageError: a list can't be read, or a split has pictures but no list names any of them.
    """
    finder = PictureFinder(root, own, inventories)
    found = ListedFiles({split: EntryList(FileEntry) for split in inventories})
    for path in lists:
        home = next((split for split, place in own.items() if path.is_relative_to(place)), None)
        read = read_list(path, wanted)
        found.columns += tuple(title for title in read.titles if title not in found.columns)
        for line in read.lines:
            entry, split = finder.entry(line, path.parent, home)
            if split is None:
                found.outside.append(entry.path)
            else:
                found.entries[split].append(entry)
    if not any(found.entries.values()) and not found.outside:
        names = ", ".join(relative_name(root, path) for path in lists)
        raise UsageError(f"{root}: {names} has no lines with labels")
    for inventory in inventories.values():
        found.unlisted.extend(without_entries(inventory.pictures, found.entries))
    _require_each_split(root, own, lists, found.entries, inventories)
    return found


def without_entries(files: FilePaths, entries: Mapping[SplitName, EntryList[FileEntry]]) -> Iterator[Path]:
    """Yield the files that are not among the entries under any name."""
    import numpy as np

    if not files:
        return
    own = (entry.path for listed in entries.values() for entry in listed)
    numbers_N = number_files(itertools.chain(files.texts(), own))
    is_listed_N = np.isin(numbers_N[: len(files)], numbers_N[len(files) :])
    for index in np.flatnonzero(~is_listed_N).tolist():
        yield files[index]


class PictureFinder:
    """Finds the picture of a line, and the split of a picture."""

    def __init__(
        self, root: Path, own: Mapping[SplitName, Path], inventories: Mapping[SplitName, Inventory]
    ) -> None:
        self.root = root
        self.own = own
        self.inventories = inventories
        self._similar = SimilarNames()
        self.resolved = {split: place.resolve() for split, place in own.items()}

    def entry(self, line: Line, base: Path, home: SplitName | None) -> tuple[FileEntry, SplitName | None]:
        """Return the entry of a line of a list in `base`, and its split; None if it is in no split.

        `home` is the split whose folder holds the list.
        """
        file = base / line.name
        split = self.split_of(file) or home
        text, reason = line.text, line.reason
        if text is not None:
            try:
                file = self._find(line.name, base)
                split = self.split_of(file) or home
                # A list copied from another split would mix test pictures into the training.
                if home is not None and split is not None and split != home:
                    other, mine = self.own[split].name, self.own[home].name
                    raise BadSample(f"{line.name} is a picture of {other}/, but the list is for {mine}/")
            except BadSample as error:
                text, reason = None, str(error)
                if line.may_be_header and not self._likely(line.name):
                    reason += (
                        " (if this is a header: call the columns file and label, for example, or name them "
                        "by image= and label= of dataset csv)"
                    )
                split = home or split or self._split_of_likely(line.name)
        entry = FileEntry(
            path=str(file),
            name=relative_name(self.root, file),
            text=text,
            reason=reason,
            origin_file=line.file,
            origin_line=line.place,
            group=line.group,
        )
        # A line at fault must be reported, so it belongs to some split.
        if split is None and (text is None or not self.own):
            split = "train"
        return entry, split

    def split_of(self, file: Path) -> SplitName | None:
        """Return the split whose folder has a file, None if none has."""
        if not self.own:
            return None
        for split, place in self.own.items():
            if ".." not in file.parts and file.is_relative_to(place):
                return split
        try:
            parent = file.parent.resolve()
        except (OSError, ValueError, RuntimeError):
            return None
        return next((split for split, place in self.resolved.items() if parent.is_relative_to(place)), None)

    def _find(self, name: str, base: Path) -> Path:
        folders = dict.fromkeys((base, self.root))
        states = {folder / name: _state(folder / name) for folder in folders}
        found = [file for file, state in states.items() if not state]
        # Two conventions are common, and a guess between them could take the wrong picture.
        if len(found) == 2 and not found[0].samefile(found[1]):
            raise BadSample(f"{name} is {found[0]} (relative to the list) or {found[1]} (relative to path=)")
        if not found:
            found = [file for folder in folders for file in self._similar.find(folder, name)]
            if len({file.resolve() for file in found}) > 1:
                named = join_words(relative_name(self.root, file) for file in found)
                raise BadSample(f"{name} is listed, but there are {named}, which differ from it in case")
        if found:
            return found[0]
        raise BadSample(f"{abbreviated(name, 200)} is listed, but {states[base / name]}{self._hint(name)}")

    def _hint(self, name: str) -> str:
        likely = self._likely(name)
        if not likely:
            separated = "; a list with commas or semicolons between name and label is called .csv"
            return separated if self._likely(re.split("[,;]", name)[0]) else ""
        named = join_words(relative_name(self.root, file) for file in likely[:2])
        return f"; there is {named}: write its path from the folder of the list"

    def _split_of_likely(self, name: str) -> SplitName | None:
        likely = self._likely(name)
        return self.split_of(likely[0]) if likely else None

    def _likely(self, name: str) -> list[Path]:
        """Return the pictures in any folder that a name may mean: its folder or suffix is wrong."""
        if self.inventories:
            return self._by_name.get(folded(name.rpartition("/")[2]), [])
        # Without an inventory, as for a table: a path of another machine may end with that of a file.
        parts = name.split("/")
        ends = ("/".join(parts[start:]) for start in range(1, len(parts)))
        return next(filter(None, (self._similar.find(self.root, end) for end in ends if end)), [])

    @functools.cached_property
    def _by_name(self) -> dict[str, list[Path]]:
        by_name: dict[str, list[Path]] = defaultdict(list)
        for inventory in self.inventories.values():
            for picture in inventory.pictures:
                by_name[folded(picture.name)].append(picture)
                by_name[folded(picture.stem)].append(picture)
        return by_name


def _state(file: Path) -> str:
    """Return why a path is no file that can be read, or an empty text."""
    try:
        mode = os.stat(file).st_mode  # noqa: PTH116 (is_file() hides why)
    except FileNotFoundError:
        return "there is no such file"
    except OSError as error:
        return f"it can't be read ({error.strerror})"
    except ValueError:  # NUL
        return "there is no such file"
    return "" if stat.S_ISREG(mode) else "it is no file"


def _require_each_split(
    root: Path,
    own: Mapping[SplitName, Path],
    lists: Sequence[Path],
    entries: Mapping[SplitName, EntryList[FileEntry]],
    inventories: Mapping[SplitName, Inventory],
) -> None:
    # Without a single line that can be used, the reasons of the lines say more.
    if not any(text is not None for listed in entries.values() for text in listed.texts()):
        return
    for split, place in own.items():
        if inventories[split].pictures and not entries[split]:
            names = ", ".join(relative_name(root, path) for path in lists)
            count = counted(len(inventories[split].pictures), "picture")
            raise UsageError(
                f"{root}: labels come from {names}, but not those of the {count} in {place.name}/; "
                f"add {place.name}/labels.csv, or lines for them (label=stem takes all file names)"
            )
