"""The source of the labels of a folder: lists, texts beside the pictures, or the file names."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ctcbench.builtin.labelling.folder_inventory import LISTS, Inventory, is_named_like_one_of, likely_lists
from ctcbench.builtin.labelling.label_list import OTHER_FORMATS
from ctcbench.builtin.labelling.name_labels import OfStem, before, by_pattern
from ctcbench.builtin.labelling.sidecars import PLAIN_ENDING, USUAL_ENDING, find_sidecars, sidecars_beside
from ctcbench.contract.errors import UsageError
from ctcbench.contract.word_lists import join_words
from ctcbench.files.paths import expand_home
from ctcbench.files.plain_files import why_not_plain

LabelFrom = Literal["auto", "file", "sidecar", "stem", "before-dash", "before-underscore"]


@dataclass(frozen=True)
class LabelOptions:
    """The options of the data set that select where labels come from."""

    label: LabelFrom = "auto"
    pattern: str = ""
    list_file: str = ""

    def __post_init__(self) -> None:
        """Check that they do not contradict each other."""
        if self.pattern and self.label != "auto":
            raise UsageError(
                f"dataset folder: label={self.label} and pattern= are two ways to one label; give one"
            )
        if self.list_file and (self.pattern or self.label not in ("auto", "file")):
            other = "pattern=" if self.pattern else f"label={self.label}"
            raise UsageError(f"dataset folder: list= and {other} are two ways to one label; give one")

    @property
    def from_names(self) -> bool:
        """Whether the file names were chosen explicitly."""
        return bool(self.pattern) or self.label in ("stem", "before-dash", "before-underscore")

    def of_stem(self) -> OfStem:
        """Return the function that returns the label of a stem."""
        if self.pattern:
            return by_pattern(self.pattern)
        if self.label in ("before-dash", "before-underscore"):
            return before("-" if self.label == "before-dash" else "_")
        return str


@dataclass(frozen=True)
class LabelSource:
    """Where labels come from: `lists`; without any, `sidecars`; without both, the stem by `of_stem`.

    `ending` is what the names of sidecars have in place of the suffix of their picture.
    """

    lists: Sequence[Path] = ()
    sidecars: Sequence[Path] = ()
    ending: str = USUAL_ENDING
    of_stem: OfStem = str


def choose_source(
    root: Path, places: Sequence[Path], options: LabelOptions, inventory: Inventory
) -> LabelSource:
    """Return the source of labels for the pictures of a folder.

    Args:
        root: the folder of the data set; its list may name pictures of all splits.
        places: the folders of the splits, which may have a list each.
        options: the user's choice.
        inventory: all files of the splits and the files in the root.

    Raises:
        UsageError: there are several sources, the chosen one does not exist, or file names would be taken for
            labels although a file looks like a list of them.
    """
    # What the user chose is not questioned; what is not used is named in a notice.
    if options.list_file:
        return LabelSource(lists=[_named_list(root, options.list_file)])
    if options.from_names:
        return LabelSource(of_stem=options.of_stem())
    searched = dict.fromkeys((root, *places))
    lists = [path for place in searched if (path := _find_list(place, inventory)) is not None]
    sidecars = find_sidecars(inventory.others)
    explicit = options.label == "sidecar"
    stems = {picture.with_suffix("") for picture in inventory.pictures} if sidecars or explicit else set()
    beside = list(sidecars_beside(inventory.others, stems).values())
    if explicit and not beside and (plain := sidecars_beside(inventory.others, stems, PLAIN_ENDING)):
        return LabelSource(sidecars=list(plain.values()), ending=PLAIN_ENDING)
    if options.label == "auto" and lists and beside:
        raise UsageError(
            f"{root}: has both {_relative(root, lists[0])} and {_counted(beside, root)}; "
            f"label=file reads the list, label=sidecar the files beside the pictures"
        )
    if options.label == "file" and not lists:
        known = join_words(LISTS, "or")
        raise UsageError(f"{root}: label=file, but there is no {known} in it; list= names another file")
    if explicit and not beside:
        endings = f"NAME{USUAL_ENDING} or NAME{PLAIN_ENDING}"
        raise UsageError(f"{root}: label=sidecar, but there is no {endings} beside a picture")
    if lists and not explicit:
        return LabelSource(lists=lists)
    if beside:
        return LabelSource(sidecars=list(sidecars.values()))
    # Training on file names succeeds and looks plausible: the error rate alone shows the mistake.
    if found := list(likely_lists(inventory.others, inventory.pictures)):
        stems = {picture.with_suffix("") for picture in inventory.pictures}
        raise UsageError(_unread_lists(root, found, stems))
    return LabelSource(of_stem=options.of_stem())


def _named_list(root: Path, name: str) -> Path:
    given = expand_home(name, "dataset folder: list=")
    # The folder first, so that a study gives the same result wherever it is started.
    for candidate in (root / given, given):
        if not why_not_plain(candidate):
            return candidate
    state = why_not_plain(root / given)
    raise UsageError(
        f"dataset folder: list={name}: {state}; it is relative to {root} or to the current folder"
    )


def _find_list(folder: Path, inventory: Inventory) -> Path | None:
    # A pipe of such a name would make the reader wait for ever.
    found = [
        file
        for file in inventory.others
        if file.parent == folder and file.name.lower() in LISTS and file.is_file()
    ]
    if len(found) > 1:
        names = join_words(file.name for file in found)
        raise UsageError(f"{folder}: has {names}; keep one of them, or name it: list={found[0].name}")
    return found[0] if found else None


def _unread_lists(root: Path, found: Sequence[Path], stems: Collection[Path]) -> str:
    if found[0].suffix.lower() == ".parquet":
        return (
            f"{root}: has {_counted(found, root)}: dataset parquet:path={root} reads Parquet files that "
            f"contain pictures; with label=stem, dataset folder reads the pictures beside them"
        )
    way = f"list={_relative(root, found[0])} reads it"
    if len(sidecars_beside(found, stems, PLAIN_ENDING)) == len(found):
        way = "label=sidecar reads them" if len(found) > 1 else "label=sidecar reads it"
    elif all(is_named_like_one_of({stem.name for stem in stems}, file) for file in found):
        way = "call the text of a picture NAME.gt.txt, beside it, or put all into one list (list=FILE)"
    elif found[0].suffix.lower() in OTHER_FORMATS:
        way = "convert it to a list labels.csv with the header file,label"
    elif len(found) > 1:
        way = "put all labels into one list (list=FILE), or call the list of a split labels.txt in its folder"
    return (
        f"{root}: the file names would be the labels, but {_counted(found, root)} may have them; {way}, or "
        f"label=stem takes the file names"
    )


def _counted(files: Sequence[Path], root: Path) -> str:
    names = ", ".join(_relative(root, file) for file in files[:3])
    return names if len(files) <= 3 else f"{names} and {len(files) - 3} more"


def _relative(root: Path, file: Path) -> str:
    return file.relative_to(root).as_posix()
