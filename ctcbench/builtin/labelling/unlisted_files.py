"""Pictures labelled without a list: by their names, or by texts beside them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from ctcbench.builtin.labelling.file_entry import FileEntry
from ctcbench.builtin.labelling.file_identity import relative_name
from ctcbench.builtin.labelling.folder_inventory import Inventory
from ctcbench.builtin.labelling.label_text import read_label
from ctcbench.builtin.labelling.name_labels import OfStem
from ctcbench.builtin.labelling.sidecars import USUAL_ENDING, find_sidecars, read_sidecar, sidecars_beside
from ctcbench.builtin.picture_sets.entry_list import EntryList
from ctcbench.contract.data import SplitName
from ctcbench.contract.errors import BadSample, UsageError


def labelled_by_name(root: Path, inventory: Inventory, of_stem: OfStem) -> EntryList[FileEntry]:
    """Return the pictures with the label that `of_stem` finds in each name."""
    return EntryList(FileEntry, (_named(root, picture, of_stem) for picture in inventory.pictures))


def labelled_by_sidecar(
    root: Path, inventories: Mapping[SplitName, Inventory], ending: str
) -> dict[SplitName, EntryList[FileEntry]]:
    """Return the pictures of each split with the label in the file beside it whose name has that ending.

    A picture without such a file has no label, and neither has a ``NAME.gt.txt`` without a picture.

    Raises:
        UsageError: no picture of a split has such a file.
    """
    entries: dict[SplitName, EntryList[FileEntry]] = {}
    for split, inventory in inventories.items():
        sidecars = find_sidecars(inventory.others, ending)
        if ending != USUAL_ENDING:  # other texts are no labels
            sidecars = sidecars_beside(
                inventory.others, {picture.with_suffix("") for picture in inventory.pictures}, ending
            )
        # All of a split without labels is a mistake of the data set, not of single pictures.
        if inventory.pictures and not sidecars:
            raise UsageError(
                f"{root}: labels come from NAME{ending} beside the pictures, but none of the "
                f"{len(inventory.pictures)} pictures of {split!r} has one (label=stem takes all file names)"
            )
        entries[split] = EntryList(FileEntry, _beside(root, inventory, sidecars, ending))
    return entries


def _named(root: Path, file: Path, of_stem: OfStem) -> FileEntry:
    try:
        file.name.encode()
    except UnicodeEncodeError:
        shown = str(file).encode(errors="surrogateescape").decode(errors="backslashreplace")
        return FileEntry(
            path=str(file), name=shown, text=None, reason="its name is not UTF-8", origin_line=shown
        )
    text, reason = None, ""
    try:
        text = read_label(of_stem(file.stem))
    except BadSample as error:
        reason = str(error)
    return FileEntry(path=str(file), name=relative_name(root, file), text=text, reason=reason)


def _beside(
    root: Path, inventory: Inventory, sidecars: Mapping[Path, Path], ending: str
) -> Iterator[FileEntry]:
    used: set[Path] = set()
    for picture in inventory.pictures:
        stem = picture.with_suffix("")
        origin, text, reason = picture, None, f"there is no {stem.name}{ending} beside it"
        if stem in sidecars:
            used.add(stem)
            origin = sidecars[stem]
            try:
                text = read_label(read_sidecar(origin))
            except BadSample as error:
                reason = str(error)
        yield FileEntry(
            path=str(picture),
            name=relative_name(root, picture),
            text=text,
            reason="" if text else reason,
            origin_line=str(origin),
        )
    # A label without its picture may mean that the picture has an unknown suffix or was lost.
    for stem, sidecar in sidecars.items():
        if stem not in used:
            name = relative_name(root, sidecar)
            reason = "there is no picture of its name beside it"
            yield FileEntry(path=str(sidecar), name=name, text=None, reason=reason)
