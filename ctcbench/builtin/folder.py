"""The ``folder`` data set: pictures in a folder, labelled by lists, by files beside them or by names."""

from __future__ import annotations

import functools
import importlib.metadata
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

from pydantic import Field

from ctcbench.builtin.alphabets import AlphabetText, range_hint, read_alphabet, spell
from ctcbench.builtin.label_notices import alphabet_notice, direction_notice, invisible_notice
from ctcbench.builtin.labelling.entry import Entry
from ctcbench.builtin.labelling.folder_entries import read_folder
from ctcbench.builtin.labelling.label_sources import LabelFrom, LabelOptions
from ctcbench.contract.components import dataset
from ctcbench.contract.data import Sample, SplitName
from ctcbench.contract.errors import BadSample, UsageError
from ctcbench.contract.specs import Alphabet, Direction, ImageSpec
from ctcbench.files.paths import expand_home
from ctcbench.files.pictures import Fit, read_picture
from ctcbench.files.text import abbreviated

_VERSION = 2  # of reading, ordering and splitting files
_NAMED = 3  # pictures without a label that an error names

Fraction = Annotated[
    float, Field(ge=0, lt=1, description="share of the files, where the split has no folder")
]


@dataset
def folder(
    *,
    path: Annotated[str, Field(min_length=1, description="the folder; its sub-folders are read too")],
    label: Annotated[
        LabelFrom,
        Field(
            description="auto: a list (labels.csv, .tsv, .txt, .json or gt.txt), else sidecar, else stem; "
            "file: the list; sidecar: NAME.gt.txt beside each picture; stem: the file name without suffix"
        ),
    ] = "auto",
    list: Annotated[
        str, Field(description="file with the labels, relative to path or to the current folder")
    ] = "",
    pattern: Annotated[
        str,
        Field(description="regular expression for the stem; its group, or the one named label, is the text"),
    ] = "",
    alphabet: Annotated[
        AlphabetText, Field(description="auto: the characters of the training labels; or as for captcha")
    ] = "auto",
    direction: Annotated[
        Direction, Field(description="of reading: rtl for right-to-left labels in logical order")
    ] = "ltr",
    width: Annotated[int, Field(ge=1, le=8192, description="columns of an image")] = 150,
    height: Annotated[int, Field(ge=1, le=8192, description="rows of an image")] = 40,
    fit: Annotated[
        Fit,
        Field(
            description="stretch to the size; pad: keep the aspect and pad on the right; keep: only the "
            "height is fixed, the width follows from the aspect and is at most width"
        ),
    ] = "stretch",
    val: Fraction = 0.1,
    test: Fraction = 0.1,
    seed: Annotated[int, Field(ge=0, description="of the split by fractions, and of the order")] = 0,
) -> Folder:
    """Pictures in a folder, with train/, val/ and test/ inside of it or split by fractions.

    Labels come from one kind of source for all splits: lists in the folder or in the folders of splits
    (`read_list` describes their format), files ``NAME.gt.txt`` beside the pictures, or the stems of the file
    names: the whole stem, the part of it before the last ``-`` or ``_`` (``before-dash``,
    ``before-underscore``), or the match of `pattern` in it. Stems are labels only where no file looks like a
    list. Labels are normalised to Unicode NFC. Pictures that no list names and other files that are not used
    are named in a notice; hidden files and folders are ignored.

    Right-to-left text is stored in logical order, its first character first, which is at the right end of a
    picture. With direction=rtl the frames begin there, and labels are in logical order; with ltr the first
    character of a label is the leftmost.

    The split of a file and its position in the order depend only on its name and on `seed`, so new files do
    not move others. The order is shuffled, so the first n samples are a random subset.

    Raises:
        UsageError: an option or the folder can't be used, or it is not clear what the labels are.
    """
    root = expand_home(path, "dataset folder: path=")
    fractions = {"val": val, "test": test}
    try:
        found = read_folder(root, LabelOptions(label, pattern, list), fractions, seed)
    except OSError as error:  # a name that is too long, a folder that can't be searched or disappears
        raise UsageError(f"{error.filename or root}: can't be read ({error.strerror})") from None
    splits = found.splits
    # Only training labels: those of other splits add no classes, and are checked when they are drawn.
    labels = {entry.where: entry.text or "" for entry in splits["train"]}
    if alphabet == "auto":
        characters, doubt = _characters(root, splits["train"]), invisible_notice(labels)
    else:
        characters, doubt = read_alphabet(alphabet), range_hint(alphabet)
    characters = replace(characters, direction=direction)
    doubts = (doubt, alphabet_notice(labels, characters), direction_notice(labels, direction))
    notices = (*found.notices, *filter(None, doubts))
    image = ImageSpec(height, width, variable=fit == "keep")
    return Folder(image, characters, root, found.own, splits, fit, fractions, notices)


@dataclass(frozen=True)
class Folder:
    """The pictures of a folder, each split in its order."""

    image: ImageSpec
    alphabet: Alphabet
    root: Path
    own: Mapping[SplitName, Path]
    splits: Mapping[SplitName, Sequence[Entry]]
    fit: Fit
    fractions: Mapping[str, float]
    notices: tuple[str, ...] = ()

    def size(self, split: SplitName) -> int | None:
        """Return the number of files in the split.

        Raises:
            UsageError: the split is empty although it has a folder or a fraction.
        """
        if not self.splits[split] and split in self.own:
            raise UsageError(f"{self.own[split]}: no pictures in it")
        if not self.splits[split] and self.fractions.get(split):
            total = sum(map(len, self.splits.values()))
            raise UsageError(
                f"{self.root}: none of its {total} pictures falls into {split!r} "
                f"({split}={self.fractions[split]}); give a larger share, or a folder {split}/"
            )
        return len(self.splits[split])

    def fingerprint(self, split: SplitName) -> str:
        """Return the name, label, size and time of every file, and the options that determine the pixels."""
        return json.dumps(
            {
                "version": _VERSION,
                "pillow": importlib.metadata.version("pillow"),
                "root": str(self.root.resolve()),
                "split": split,
                "size": [self.image.height, self.image.width],
                "fit": self.fit,
                "alphabet": self.alphabet.characters,
                "direction": self.alphabet.direction,
                "files": self._states(split),
            }
        )

    def _states(self, split: SplitName) -> list[tuple[str, str | None, str, int, int]]:
        states = []
        for entry in self.splits[split]:
            try:
                state = entry.file.stat()
                states.append((entry.name, entry.text, entry.reason, state.st_size, state.st_mtime_ns))
            except OSError:  # a file that can't be read is a bad sample, which `draw` reports
                states.append((entry.name, entry.text, entry.reason, -1, -1))
        return states

    def describe(self, split: SplitName, index: int) -> str:
        """Return the path of the file, or the line of the list if that is at fault."""
        return self.splits[split][index].where

    def draw(self, split: SplitName, index: int) -> Sample:
        """Return sample `index`.

        Raises:
            BadSample: the label is missing or outside of the alphabet, or the picture can't be read.
        """
        entry = self.splits[split][index]
        if entry.text is None:
            raise BadSample(entry.reason)
        text = spell(entry.text, self.alphabet)
        if missing := self.alphabet.missing(text):
            shown = abbreviated(entry.text)
            raise BadSample(f"its label {shown!r} has {abbreviated(missing)!r}, which the alphabet lacks")
        # Of the labels that look the same in a picture, the one that decoding returns.
        readable = self.alphabet.decode(self.alphabet.encode(text))
        if self.alphabet.encode(readable) != self.alphabet.encode(text):
            reason = "mixes scripts and digits in a way that a picture does not determine"
            raise BadSample(f"its label {abbreviated(entry.text)!r} {reason}")
        drawn = read_picture(entry.file, self.image, self.fit)
        return Sample(drawn.image, readable, drawn.width)


def _characters(root: Path, training: Sequence[Entry]) -> Alphabet:
    found = functools.reduce(lambda known, entry: known | set(entry.text or ""), training, set[str]())
    if not found:
        ordered = sorted(training, key=lambda entry: _natural(entry.where))
        named = "; ".join(f"{entry.where}: {entry.reason}" for entry in ordered[:_NAMED])
        more = f"; and {len(ordered) - _NAMED} more" if len(ordered) > _NAMED else ""
        raise UsageError(
            f"{root}: none of {len(ordered)} training pictures has a label: {named}{more}; "
            f"label= and list= select where labels come from"
        )
    return Alphabet("".join(sorted(found)))


def _natural(where: str) -> list[tuple[int, str]]:
    """Return a key that sorts ``x:9`` before ``x:10``."""
    return [(int(part), "") if part.isdecimal() else (0, part) for part in re.split(r"(\d+)", where)]
