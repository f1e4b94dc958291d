"""PictureSet: labelled pictures of any format as a source of samples."""

from __future__ import annotations

import dataclasses
import hashlib
import importlib.metadata
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

from ctcbench.builtin.label_notices import Labels, class_notices, direction_notice, edge_space_notice
from ctcbench.builtin.picture_sets.entry import Entry
from ctcbench.builtin.picture_sets.entry_index import EntryIndex
from ctcbench.builtin.picture_sets.entry_list import EntryList
from ctcbench.builtin.picture_sets.label_alphabet import label_alphabet
from ctcbench.builtin.picture_sets.label_forms import LabelForm
from ctcbench.builtin.picture_sets.packed_entries import drawn_part
from ctcbench.builtin.picture_sets.picture_options import PictureOptions
from ctcbench.builtin.picture_sets.picture_store import PictureStore
from ctcbench.builtin.picture_sets.split_rules import SplitRules
from ctcbench.contract.data import Sample, SplitName
from ctcbench.contract.errors import BadSample, UsageError
from ctcbench.contract.specs import Alphabet, ImageSpec
from ctcbench.contract.word_lists import counted, join_words
from ctcbench.files.picture_sizes import TooWide, read_picture_size, rows_within
from ctcbench.files.pictures import Fit, read_picture
from ctcbench.files.spelling import returned_text, spell
from ctcbench.files.text import abbreviated

_VERSION = 4  # of reading, ordering and splitting
SHARED_DOCUMENT = "source.json"
E = TypeVar("E", bound=Entry)


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
        doubt: one of them, if the labels are perhaps not what the pictures show.
        remedy: how to have labels read from elsewhere, for the error that there are none.
    """

    root: Path
    entries: Mapping[SplitName, EntryList[E]]
    store: PictureStore[E]
    own: Mapping[SplitName, object] = field(default_factory=dict)
    columns: Collection[str] = ()
    notices: tuple[str, ...] = ()
    remedy: str = ""
    doubt: str = ""


@dataclass(frozen=True)
class PictureSet(Generic[E]):
    """Labelled pictures, each split in its order.

    Attributes:
        image: the size of the images.
        alphabet: the characters of the labels.
        fit: how pictures are brought to that size.
        root: the place of the data set.
        store: where the pictures are.
        splits: the pictures of each split.
        shares: the shares of the pictures that splits without a place or a list of their own have.
        own: the splits that have a place of their own, and that place.
        notices: sentences for the user.
        doubt: one of them, if the labels are perhaps not what the pictures show.
        class_notices: those of them about the classes of a recogniser that is trained on these labels.
    """

    image: ImageSpec
    alphabet: Alphabet
    fit: Fit
    root: Path
    store: PictureStore[E]
    splits: Mapping[SplitName, EntryIndex[E]]
    shares: Mapping[SplitName, float] = field(default_factory=dict)
    own: Mapping[SplitName, object] = field(default_factory=dict)
    notices: tuple[str, ...] = ()
    doubt: str = ""
    class_notices: tuple[str, ...] = ()
    _digests: dict[SplitName, str] = field(default_factory=dict, repr=False, compare=False)

    def size(self, split: SplitName) -> int | None:
        """Return the number of pictures in the split.

        Raises:
            UsageError: the split is empty although it has a place of its own or a share, or there are splits
                and no train.
        """
        number = len(self.splits[split])
        if not number and split in self.own:
            raise UsageError(f"{self.own[split]}: no pictures in it")
        if not number and self.own and "train" not in self.own:
            raise UsageError(f"{self.root}: its column of splits has {join_words(self.own)}, but no {split}")
        if not number and (share := self.shares.get(split)):
            shared = {"train", *self.shares} - {*self.own}
            total = sum(len(self.splits[name]) for name in shared)
            raise UsageError(
                f"{self.root}: {split}={share} of {counted(total, 'picture')} leaves it empty; "
                f"give a larger share, or a split {split} of its own"
            )
        return number

    def fingerprint(self, split: SplitName) -> str:
        """Return what determines the pixels and texts: the options, and a digest of all entries."""
        states = hashlib.sha256()
        for state in self.store.states(self.splits[split]):
            states.update(json.dumps(state).encode() + b"\n")
        return json.dumps(
            {
                "version": _VERSION,
                "pillow": importlib.metadata.version("pillow"),
                "root": str(self.root.resolve()),
                "split": split,
                "size": [self.image.channels, self.image.height, self.image.width],
                "fit": self.fit,
                # Left out where it has no effect: sets from before this option stay valid. Not called crop:
                # sets that were stored under that name may have been drawn without it.
                **({"cut_off": self.image.crop} if self.image.crop else {}),
                **({"ground": self.image.ground} if self.image.ground != "white" else {}),
                "alphabet": self.alphabet.characters,
                "direction": self.alphabet.direction,
                "entries": self._digest(split),
                "states": states.hexdigest(),
            }
        )

    def _digest(self, split: SplitName) -> str:
        # Kept, because a command asks for the fingerprint several times.
        if split not in self._digests:
            digest = hashlib.sha256()
            for record in self.splits[split].rows.rows():
                digest.update(drawn_part(record) + b"\n")
            self._digests[split] = digest.hexdigest()
        return self._digests[split]

    def with_alphabet(self, alphabet: Alphabet) -> PictureSet[E]:
        """Return the set with another alphabet, in whose characters the labels are written."""
        return dataclasses.replace(self, alphabet=alphabet)

    def describe(self, split: SplitName, index: int) -> str:
        """Return the name of the picture, or the place of its label if that is at fault."""
        return self.splits[split][index].where

    def draw(self, split: SplitName, index: int) -> Sample:
        """Return sample `index`; labels of validation and test may have characters that the alphabet lacks.

        Raises:
            BadSample: the label is missing, or that of a training picture is outside of the alphabet, or the
                picture can't be read.
        """
        entry = self.splits[split][index]
        if entry.text is None:
            raise BadSample(entry.reason)
        text = spell(entry.text, self.alphabet)
        missing = self.alphabet.missing(text)
        if missing and split == "train":
            shown = abbreviated(entry.text)
            raise BadSample(f"its label {shown!r} has {abbreviated(missing)!r}, which the alphabet lacks")
        # No decoding returns a text with such a character: in another split it counts as an error.
        returned = text if missing else returned_text(text, self.alphabet)
        try:
            drawn = read_picture(self.store.picture(entry), self.image, self.fit)
        except TooWide as error:
            raise BadSample(f"{error} (width={self.image.width}; raise it: it is only a limit)") from None
        return Sample(drawn.image, returned, drawn.width)

    def labelled_picture(self, split: SplitName, index: int) -> tuple[Path | bytes, str]:
        """Return a picture before it is scaled, its path or its content, and its label as it is.

        Raises:
            BadSample: the label is missing, or there is no such picture.
        """
        entry = self.splits[split][index]
        if entry.text is None:
            raise BadSample(entry.reason)
        return self.store.picture(entry), entry.text

    def picture_size(self, split: SplitName, index: int) -> tuple[int, int]:
        """Return width and height of a picture in pixels, cropped and before it is scaled.

        Raises:
            BadSample: the picture can't be read.
        """
        width, height = read_picture_size(self.store.picture(self.splits[split][index]))
        top, bottom = rows_within(height, self.image.crop)
        return width, bottom - top

    def share(self, folder: Path, split: SplitName) -> None:
        """Write what another process needs to draw a split, the index included, into an empty folder.

        Raises:
            OSError: it can't be written.
        """
        index = self.splits[split]
        index.save(folder)
        document = {
            "split": split,
            "image": dataclasses.asdict(self.image),
            "alphabet": self.alphabet.characters,
            "direction": self.alphabet.direction,
            "fit": self.fit,
            "root": str(self.root),
            "store": self.store.document(),
            "shared": index.shared,
        }
        (folder / SHARED_DOCUMENT).write_text(json.dumps(document), encoding="ascii")


def build_picture_set(options: PictureOptions, found: FoundPictures[E]) -> PictureSet[E]:
    """Return the source of samples of the pictures that a format found.

    Raises:
        UsageError: the options do not fit the pictures, or no training picture has a label.
    """
    form = LabelForm(options.unicode, options.case)
    for entries in found.entries.values():
        form.apply(entries)
    splits, stated = SplitRules(options).divide(found.entries, found.own, found.columns)
    labels = {split: _labels(entries) for split, entries in splits.items()}
    # The labels of other splits add no classes, unless there is no train: then nothing is trained on the set.
    has_train = "train" in found.entries
    learned = splits["train"] if has_train else EntryIndex.joined([splits[name] for name in found.entries])
    train = labels["train"] if has_train else _labels(learned)
    what = "training pictures" if has_train else "pictures"
    alphabet, hint = label_alphabet(options, train, learned, found.root, found.remedy, what)
    alphabet = dataclasses.replace(alphabet, direction=options.direction)
    of_labels = (*stated, edge_space_notice(labels.values()), direction_notice(train, options.direction))
    of_classes = tuple(filter(None, (hint, *class_notices(train, alphabet, options.characters))))
    notices = (*found.notices, *filter(None, of_labels), *of_classes)
    shares: dict[SplitName, float] = {} if options.val_names else {"val": options.val}
    if not options.test_names:
        shares["test"] = options.test
    place = (found.root, found.store, splits, shares, found.own, notices, found.doubt, of_classes)
    return PictureSet(options.image, alphabet, options.fit, *place)


def _labels(entries: EntryIndex[Any]) -> Labels:
    return Labels(
        len(entries), lambda: (text or "" for text in entries.texts()), lambda index: entries[index].where
    )
