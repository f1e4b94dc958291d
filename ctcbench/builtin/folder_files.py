"""The image files of a folder, and the split of each."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ctcbench.builtin.folder_labels import LISTS, Label, Labelling, find_list, read_list
from ctcbench.contract.data import SPLITS, SplitName
from ctcbench.contract.errors import UsageError
from ctcbench.files.pictures import SUFFIXES


@dataclass(frozen=True)
class Entry:
    """An image file with its label.

    Attributes:
        file: its path.
        name: its path relative to the folder of the data set.
        text: its label, None if it has none.
        reason: why it has no label.
        where: its name in errors: the path, or the line of the list that is at fault.
    """

    file: Path
    name: str
    text: str | None
    reason: str
    where: str


def entries_of(
    root: Path, labelling: Labelling, fractions: Mapping[str, float], seed: int
) -> dict[SplitName, list[Entry]]:
    """Return the pictures of each split, in their order.

    A split with a folder of its name consists of the pictures in it. Other splits take their fractions of
    ``train/``, or of all pictures if no split has a folder.

    Raises:
        UsageError: `root` is not a readable folder, no picture is left to train on, or a list of labels
            can't be read.
    """
    _check_folder(root)
    own = {split: root / split for split in SPLITS if (root / split).is_dir()}
    if own and "train" not in own:
        raise UsageError(f"{root}: has {' and '.join(f'{split}/' for split in own)}, but no train/")
    carved: dict[SplitName, float] = {
        split: fractions[split] for split in SPLITS if split != "train" and split not in own
    }
    if sum(carved.values()) >= 1:
        shares = " and ".join(f"{split}={share}" for split, share in carved.items())
        raise UsageError(f"dataset folder: {shares} leave nothing to train on; together they must be below 1")

    splits: dict[SplitName, list[Entry]] = {split: [] for split in SPLITS}
    for split, place in (own or {"train": root}).items():
        splits[split] = _entries(root, place, labelling)
    pool, splits["train"] = splits["train"], []
    for entry in pool:
        splits[_share(seed, entry.name, carved)].append(entry)
    if not splits["train"]:
        kinds = ", ".join(sorted(SUFFIXES))
        raise UsageError(f"{own.get('train', root)}: no pictures in it to train on (looked for {kinds})")
    for entries in splits.values():
        # Shuffled by a digest of the name, so that a new file does not move others.
        entries.sort(key=lambda entry: (_digest(seed, "order", entry.name), entry.name, entry.where))
    return splits


def _check_folder(root: Path) -> None:
    if not root.exists():
        raise UsageError(f"{root}: no such folder")
    if not root.is_dir():
        raise UsageError(f"{root}: is a file; dataset folder needs the folder that holds the pictures")
    if not os.access(root, os.R_OK | os.X_OK):
        raise UsageError(f"{root}: no permission to read this folder")


def _entries(root: Path, place: Path, labelling: Labelling) -> list[Entry]:
    """Return the pictures below `place`, labelled by its list, by that of the root, or by their names."""
    if labelling.may_list:
        beside = find_list(place)
        if chosen := beside or find_list(root):
            listed = [_listed(root, chosen.parent, *line) for line in _lines(chosen)]
            return [e for e in listed if beside or e.file.is_relative_to(place)]
    if labelling.must_list:
        raise UsageError(f"{place}: label=file, but there is no {' or '.join(LISTS)} in it")
    return [_named(root, file, labelling) for file in _pictures(place)]


def _lines(path: Path) -> Iterator[tuple[str, Label, str]]:
    for line in read_list(path):
        yield line.name, line.label, line.where


def _listed(root: Path, base: Path, name: str, label: Label, where: str) -> Entry:
    file = base / name
    if label.text is not None and not name:
        label = Label(None, "the line names no file")
    elif label.text is not None and not file.is_file():
        label = Label(None, f"{name} is listed, but there is no such file")
    return Entry(
        file, _relative(root, file), label.text, label.reason, where if label.text is None else str(file)
    )


def _named(root: Path, file: Path, labelling: Labelling) -> Entry:
    try:
        file.name.encode()
    except UnicodeEncodeError:
        shown = str(file).encode(errors="surrogateescape").decode(errors="backslashreplace")
        return Entry(file, shown, None, "its name is not UTF-8", shown)
    label = labelling.of_stem(file.stem)
    return Entry(file, _relative(root, file), label.text, label.reason, str(file))


def _relative(root: Path, file: Path) -> str:
    return (file.relative_to(root) if file.is_relative_to(root) else file).as_posix()


def _pictures(place: Path) -> Iterator[Path]:
    """Yield the pictures below a folder, except hidden ones and those in linked folders."""
    for folder, folders, files in os.walk(place):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            if not name.startswith(".") and Path(name).suffix.lower() in SUFFIXES:
                yield Path(folder) / name


def _share(seed: int, name: str, carved: Mapping[SplitName, float]) -> SplitName:
    """Return the split of a file, which depends only on its name and the seed."""
    drawn = int.from_bytes(_digest(seed, "split", name)[:8], "big") / 2**64
    for split, share in carved.items():
        if drawn < share:
            return split
        drawn -= share
    return "train"


def _digest(seed: int, purpose: str, name: str) -> bytes:
    return hashlib.sha256(f"{seed} {purpose} {name}".encode(errors="backslashreplace")).digest()
