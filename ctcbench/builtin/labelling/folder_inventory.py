"""The files of a folder by kind: pictures, files that may be lists of labels, and others."""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ctcbench.builtin.labelling.file_paths import FilePaths
from ctcbench.contract.errors import UsageError
from ctcbench.files.other_formats import UNREAD_SUFFIXES
from ctcbench.files.picture_formats import SUFFIXES

LISTS = ("labels.csv", "labels.tsv", "labels.txt", "labels.json", "gt.txt")  # recognised in any case
# Formats of lists of labels.
_SUSPECT = frozenset((
    ".csv", ".tsv", ".tab", ".psv", ".txt", ".json", ".jsonl", ".ndjson", ".xml", ".xls", ".xlsx",
    ".ods", ".lst", ".list", ".dat", ".yaml", ".yml", ".parquet", ".gt", ".labels",
))  # fmt: skip
_LABEL_WORDS = frozenset((
    "label", "labels", "gt", "truth", "groundtruth", "transcript", "transcripts", "transcription",
    "transcriptions", "annotation", "annotations", "anno", "annot", "caption", "captions",
))  # fmt: skip
_OTHER_WORDS = frozenset((
    "metadata", "target", "targets", "train", "training", "val", "valid", "validation", "dev", "test",
    "testing",
))  # fmt: skip
_SIGNATURES = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"BM", b"II*\0", b"MM\0*", b"RIFF", b"\0\0\0\x0cjP")
_WORD_END = re.compile(r"[\s,;:|\"'{}\[\]<>=()]+")
_CELL_END = re.compile(r"[\t,;|\"'{}\[\]<>=]+")
_HEAD = 1 << 16  # bytes of a file that are searched for names of pictures
_OPENED = 50  # files that are searched


@dataclass(frozen=True)
class Inventory:
    """The files below a folder, except hidden ones, each kind sorted by folder and name.

    Attributes:
        pictures: files with the suffix of a format that is read.
        unread: files with the suffix of another format of pictures.
        others: all other files.
        linked: linked folders, which are not read.
    """

    pictures: FilePaths = field(default_factory=FilePaths)
    unread: FilePaths = field(default_factory=FilePaths)
    others: FilePaths = field(default_factory=FilePaths)
    linked: FilePaths = field(default_factory=FilePaths)

    def add(self, file: Path) -> None:
        """Add a file to its kind."""
        suffix = file.suffix.lower()
        kind = (
            self.pictures if suffix in SUFFIXES else self.unread if suffix in UNREAD_SUFFIXES else self.others
        )
        kind.append(file)


def take_inventory(place: Path) -> Inventory:
    """Return the files below a folder.

    Raises:
        UsageError: a sub-folder can't be read.
    """
    inventory = Inventory()
    for folder, folders, files in os.walk(place, onerror=_refuse):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        inventory.linked.extend(path for name in folders if (path := Path(folder, name)).is_symlink())
        for name in sorted(files):
            if not name.startswith("."):
                inventory.add(Path(folder, name))
    return inventory


def files_directly_in(folder: Path) -> Inventory:
    """Return the files of a folder without its sub-folders."""
    inventory = Inventory()
    for file in sorted(folder.iterdir()):
        if not file.name.startswith(".") and file.is_file():
            inventory.add(file)
    return inventory


def has_pictures(folder: Path) -> bool:
    """Return whether there is a picture below a folder."""
    for _, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        if any(not name.startswith(".") and Path(name).suffix.lower() in SUFFIXES for name in files):
            return True
    return False


def is_likely_text(file: Path) -> bool:
    """Return whether a file is called like a text or a table."""
    return bool(file.suffix) and file.suffix.lower() in _SUSPECT


def is_picture(file: Path) -> bool:
    """Return whether a file begins like a picture, whatever it is called."""
    if not file.is_file():
        return False
    try:
        with file.open("rb") as opened:
            return opened.read(12).startswith(_SIGNATURES)
    except OSError:
        return False


def likely_lists(others: Sequence[Path], pictures: Sequence[Path]) -> Iterator[Path]:
    """Yield the files that look like labels of the pictures.

    These are files called like a list, texts called like a picture, and files that name pictures.
    """
    suspects = [file for file in others if _may_be_list(file)]
    if not suspects:
        return
    # Lists that were written where the file system ignores case may have names in another case.
    names = {picture.name.casefold() for picture in pictures}
    stems = {picture.stem for picture in pictures}
    folded_stems = {stem.casefold() for stem in stems}
    opened = 0
    for file in suspects:
        called = _words(file) & (_LABEL_WORDS | _OTHER_WORDS)
        if called or is_named_like_one_of(stems, file):
            yield file
        elif opened < _OPENED and file.is_file():  # opening a pipe would wait for ever
            opened += 1
            if _names_pictures(file, names, folded_stems):
                yield file


def is_named_like_one_of(stems: Collection[str], file: Path) -> bool:
    """Return whether a file is called like a picture: ``0001.txt`` or ``0001.gt.txt`` for ``0001.png``."""
    return bool(file.suffix) and (file.stem in stems or file.name.partition(".")[0] in stems)


def _may_be_list(file: Path) -> bool:
    # A program train.py is no list, but labels.docx and labels.csv.bak are.
    return not file.suffix or file.suffix.lower() in _SUSPECT or bool(_words(file) & _LABEL_WORDS)


def _words(file: Path) -> set[str]:
    return set(re.split(r"[^a-z]+", file.stem.lower()))


def _names_pictures(file: Path, names: set[str], stems: set[str]) -> bool:
    """Return whether a file names a picture, or half of its lines begin with the stem of one.

    Args:
        file: the file, of which the first part is searched.
        names: the names of the pictures, case-folded.
        stems: their stems, case-folded.
    """
    try:
        with file.open("rb") as opened:
            head = opened.read(_HEAD)
    except OSError:
        return False
    text = head.decode("utf-16" if head[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig", errors="replace")
    lines = [line for line in text.casefold().splitlines() if line.strip()]
    # A name with spaces is a cell of several words.
    in_words, in_cells = ([_parts(line, end) for line in lines] for end in (_WORD_END, _CELL_END))
    if any(part in names for parts in itertools.chain(in_words, in_cells) for part in parts):
        return True
    # Pictures of single characters are called like the lines of an alphabet.
    found = sum(
        any(len(parts[0]) > 1 and parts[0] in stems for parts in both if parts)
        for both in zip(in_words, in_cells, strict=True)
    )
    return found > 1 and found * 2 >= sum(map(bool, in_words))


def _parts(line: str, end: re.Pattern[str]) -> list[str]:
    """Return the parts of a line between matches of `end`, each without the folders of a path."""
    return [name for part in end.split(line) if (name := re.split(r"[/\\]", part)[-1].strip())]


def _refuse(error: OSError) -> None:
    raise UsageError(f"{error.filename}: can't be read ({error.strerror})") from None
