"""PictureSet: labelled pictures of any format as a source of samples."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from ctcbench.builtin.alphabets import range_hint, read_alphabet, spell
from ctcbench.builtin.grapheme_clusters import Characters, clusters_of
from ctcbench.builtin.label_notices import alphabet_notice, direction_notice, invisible_notice
from ctcbench.builtin.picture_sets.entry import Entry
from ctcbench.builtin.picture_sets.label_forms import LabelForm
from ctcbench.builtin.picture_sets.picture_options import PictureOptions
from ctcbench.builtin.picture_sets.split_rules import SplitRules
from ctcbench.contract.data import Sample, SplitName
from ctcbench.contract.errors import BadSample, UsageError
from ctcbench.contract.specs import Alphabet, ImageSpec
from ctcbench.files.picture_files import natural_order
from ctcbench.files.picture_sizes import read_picture_size
from ctcbench.files.pictures import read_picture
from ctcbench.files.text import abbreviated

_VERSION = 3  # of reading, ordering and splitting
_NAMED = 3  # pictures without a label that an error names
E = TypeVar("E", bound=Entry)
E_contra = TypeVar("E_contra", bound=Entry, contravariant=True)


class PictureStore(Protocol[E_contra]):
    """Where the pictures of entries are. Its methods read them one at a time."""

    def picture(self, entry: E_contra) -> Path | bytes:
        """Return the path of a picture, or its content.

        Raises:
            BadSample: there is no such picture.
        """
        ...

    def state(self, entry: E_contra) -> Any:
        """Return what changes, as JSON, when the content of a picture may have changed."""
        ...


@dataclass(frozen=True)
class FoundPictures(Generic[E]):
    """What a format found at the place that the user named.

    Attributes:
        root: the place.
        entries: the pictures by split; without splits, all are in train.
        store: where their content is.
        own: the splits that have a place of their own, and that place.
        columns: the columns beside names and labels.
        notices: sentences for the user.
        remedy: how to have labels read from elsewhere, for the error that there are none.
    """

    root: Path
    entries: Mapping[SplitName, Sequence[E]]
    store: PictureStore[E]
    own: Mapping[SplitName, object] = field(default_factory=dict)
    columns: Collection[str] = ()
    notices: tuple[str, ...] = ()
    remedy: str = ""


@dataclass(frozen=True)
class PictureSet(Generic[E]):
    """Labelled pictures, each split in its order."""

    image: ImageSpec
    alphabet: Alphabet
    found: FoundPictures[E]
    splits: Mapping[SplitName, Sequence[E]]
    options: PictureOptions
    notices: tuple[str, ...] = ()

    @property
    def fit(self) -> str:
        """How pictures are brought to the size of an image."""
        return self.options.fit

    @property
    def root(self) -> Path:
        """The place of the data set."""
        return self.found.root

    def size(self, split: SplitName) -> int | None:
        """Return the number of pictures in the split.

        Raises:
            UsageError: the split is empty although it has a place of its own or a share.
        """
        number = len(self.splits[split])
        own, share = self.found.own, getattr(self.options, split, 0)
        if not number and split in own:
            raise UsageError(f"{own[split]}: no pictures in it")
        if not number and share and not getattr(self.options, f"{split}_names"):
            total = sum(map(len, self.splits.values()))
            raise UsageError(
                f"{self.root}: none of its {total} pictures falls into {split!r} "
                f"({split}={share}); give a larger share, or a split {split} of its own"
            )
        return number

    def fingerprint(self, split: SplitName) -> str:
        """Return what determines the pixels and texts: the options, and a digest of all entries."""
        digest = hashlib.sha256()
        for entry in self.splits[split]:
            row = [entry.name, entry.text, entry.reason, self.found.store.state(entry)]
            digest.update(json.dumps(row).encode() + b"\n")
        return json.dumps(
            {
                "version": _VERSION,
                "pillow": importlib.metadata.version("pillow"),
                "root": str(self.root.resolve()),
                "split": split,
                "size": [self.image.channels, self.image.height, self.image.width],
                "fit": self.fit,
                "alphabet": self.alphabet.characters,
                "direction": self.alphabet.direction,
                "entries": digest.hexdigest(),
            }
        )

    def describe(self, split: SplitName, index: int) -> str:
        """Return the name of the picture, or the place of its label if that is at fault."""
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
        drawn = read_picture(self.found.store.picture(entry), self.image, self.options.fit)
        return Sample(drawn.image, readable, drawn.width)

    def picture_size(self, split: SplitName, index: int) -> tuple[int, int]:
        """Return width and height of a picture before it is scaled, in pixels.

        Raises:
            BadSample: the picture can't be read.
        """
        return read_picture_size(self.found.store.picture(self.splits[split][index]))


def build_picture_set(options: PictureOptions, found: FoundPictures[E]) -> PictureSet[E]:
    """Return the source of samples of the pictures that a format found.

    Raises:
        UsageError: the options do not fit the pictures, or no training picture has a label.
    """
    form = LabelForm(options.unicode, options.case)
    entries = {split: list(form.apply(listed)) for split, listed in found.entries.items()}
    splits, unlisted = SplitRules(options).divide(entries, found.own, found.columns)
    # Only training labels: those of other splits add no classes, and are checked when they are drawn.
    labels = _Labels(splits["train"])
    if options.alphabet == "auto":
        alphabet, doubt = _characters(found, splits["train"], options.characters), invisible_notice(labels)
    else:
        alphabet = read_alphabet(options.alphabet, clusters=options.characters == "clusters")
        doubt = range_hint(options.alphabet)
    alphabet = replace(alphabet, direction=options.direction)
    doubts = (doubt, alphabet_notice(labels, alphabet), direction_notice(labels, options.direction))
    notices = (*found.notices, *filter(None, [unlisted, *doubts]))
    return PictureSet(options.image, alphabet, found, splits, options, notices)


class _Labels(Collection[tuple[str, str]]):
    """The labels of entries and their names in messages, which are made one at a time to save memory."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self._entries = entries

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return ((entry.where, entry.text or "") for entry in self._entries)

    def __contains__(self, label: object) -> bool:
        return any(label == own for own in self)


def _characters(place: FoundPictures[E], training: Sequence[E], characters: Characters) -> Alphabet:
    found: set[str] = set()
    for entry in training:
        text = entry.text or ""
        found.update(clusters_of(text) if characters == "clusters" else text)
    if not found:
        ordered = sorted(training, key=lambda entry: natural_order(entry.where))
        named = "; ".join(f"{entry.where}: {entry.reason}" for entry in ordered[:_NAMED])
        more = f"; and {len(ordered) - _NAMED} more" if len(ordered) > _NAMED else ""
        raise UsageError(
            f"{place.root}: none of {len(ordered)} training pictures has a label: {named}{more}; "
            f"{place.remedy}"
        )
    return Alphabet(tuple(sorted(found)))
