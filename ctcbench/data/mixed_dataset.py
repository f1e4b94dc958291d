"""MixedDataset: the training samples of two data sets in one order, and the other splits of the main one."""

from __future__ import annotations

import json
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ctcbench.contract.data import Sample, Source, SplitName
from ctcbench.contract.specs import Alphabet
from ctcbench.contract.word_lists import counted, join_words
from ctcbench.data.built_dataset import BuiltDataset, fit_of
from ctcbench.data.interleaving import MAIN, Interleaving, require_both
from ctcbench.data.sample_rows import SampleRows
from ctcbench.files.text import abbreviated, printable
from ctcbench.registry.attribution import attribute_errors


class MixedSource:
    """The source of a `MixedDataset`.

    The samples of each set appear in their own order, those of a finite set again and again.

    Attributes:
        main: the data set with the pictures that a recogniser is for.
        extra: the data set whose training samples are added.
        share: the share of the training samples that come from the extra set.
        image: the size of the images; with variable widths, the larger limit of the two sets.
        alphabet: the characters of the main set, then those that only the extra one has.
        fit: how the main set resizes its pictures.
        notices: those of both sets, and the characters that the extra one adds.
        text_of: as `Source` describes; None unless both sets have it.
    """

    def __init__(self, main: BuiltDataset, extra: BuiltDataset, share: float) -> None:
        ours, theirs = main.source, extra.source
        self.share = share
        self._order = Interleaving(share)
        self._sizes = (main.size("train"), extra.size("train"))
        self.fit = fit_of(ours)
        spec = ours.image
        width = max(spec.width, theirs.image.width)
        self.image = replace(spec, width=width)
        known = set(ours.alphabet.characters)
        added = tuple(c for c in theirs.alphabet.characters if c not in known)
        self.alphabet = Alphabet((*ours.alphabet.characters, *added), ours.alphabet.direction)
        self.main, self.extra = (_with_alphabet(part, self.alphabet) for part in (main, extra))
        notices = [*main.notices, *extra.notices]
        if added:
            listed = printable(abbreviated(self.alphabet.joined(added)))
            notices.append(
                f"--extra-dataset adds {counted(len(added), 'character')} to the alphabet: {listed}"
            )
        self.notices = tuple(dict.fromkeys(notices))
        both = hasattr(ours, "text_of") and hasattr(theirs, "text_of")
        self.text_of: Callable[[SplitName, int], str] | None = self._text_of if both else None

    def locate(self, split: SplitName, index: int) -> tuple[int, int]:
        """Return the set that sample `index` is of, 0 or 1, and the index of the sample in it."""
        if split != "train":
            return MAIN, index
        part, number = self._order.locate(index)
        size = self._sizes[part]
        return part, number if size is None else number % size

    def counts(self, count: int) -> tuple[int, int]:
        """Return how many of the first `count` training samples are of the main and of the extra set."""
        return self._order.counts(count)

    def distinct(self, count: int) -> tuple[int, int]:
        """Return how many different samples of each set are among the first `count` training samples."""
        main, extra = (
            number if size is None else min(number, size)
            for number, size in zip(self.counts(count), self._sizes, strict=True)
        )
        return main, extra

    def first_samples(self, count: int) -> NDArray[np.int32]:
        """Return the number of the first training sample that is the same as each of the first `count`."""
        parts_N, first_N = self._order.parts(count), np.arange(count, dtype=np.int32)
        for part, size in enumerate(self._sizes):
            if size is not None:
                own_N = np.flatnonzero(parts_N == part)
                first_N[own_N] = own_N[np.arange(len(own_N)) % size]
        return first_N

    @property
    def rule(self) -> tuple[object, ...]:
        """All that the order of the samples depends on, as values of JSON."""
        return (str(self._order.exact), *self._sizes)

    def size(self, split: SplitName) -> int | None:
        """Return None for training, because a finite set is repeated; else the size of the main set."""
        return None if split == "train" else self.main.size(split)

    def fingerprint(self, split: SplitName) -> str:
        """Return the fingerprints of both sets and the rule of their order, as JSON."""
        if split != "train":
            return self.main.fingerprint(split)
        return json.dumps([self.rule, self.main.fingerprint(split), self.extra.fingerprint(split)])

    def describe(self, split: SplitName, index: int) -> str:
        """Return the name of a sample in its data set."""
        part, number = self._at(split, index)
        with attribute_errors(f"{part.describe_owner()}: describe failed"):
            return part.source.describe(split, number)

    def draw(self, split: SplitName, index: int) -> Sample:
        """Return sample `index`.

        Raises:
            BadSample: it can't be used.
            PluginError: the data set that it is of failed.
        """
        part, number = self._at(split, index)
        with attribute_errors(f"{part.describe_owner()}: drawing failed"):
            return part.source.draw(split, number)

    def _text_of(self, split: SplitName, index: int) -> str:
        part, number = self._at(split, index)
        with attribute_errors(f"{part.describe_owner()}: text_of failed"):
            text: str = part.source.text_of(split, number)  # type: ignore[attr-defined]
        return text

    def _at(self, split: SplitName, index: int) -> tuple[BuiltDataset, int]:
        part, number = self.locate(split, index)
        return (self.main, self.extra)[part], number


@dataclass(frozen=True)
class MixedDataset(BuiltDataset):
    """Two data sets whose training samples are mixed; validation and test samples are the main one's."""

    source: MixedSource

    @classmethod
    def of(cls, main: BuiltDataset, extra: BuiltDataset, share: float) -> MixedDataset:
        """Return two data sets as one; `share` of the training samples are of `extra`.

        The images and the direction of reading agree (`require_mixable`).

        Raises:
            UsageError: a training split is empty.
            PluginError: a source failed.
        """
        owners = dict.fromkeys((main.owner, extra.owner))
        source = MixedSource(main, extra, share)
        return cls(f"{main.text} and {extra.text}", join_words(owners), source)

    @property
    def parts(self) -> tuple[BuiltDataset, ...]:
        """The main and the extra set."""
        return self.source.main, self.source.extra

    @property
    def extra_share(self) -> float:
        """The share of the training samples that come from the extra set."""
        return self.source.share

    def locate(self, split: SplitName, index: int) -> tuple[int, int]:
        """Return where sample `index` comes from: the index of its part, and its index in that part."""
        return self.source.locate(split, index)

    def locate_all(
        self, split: SplitName, indices_N: NDArray[np.int64]
    ) -> tuple[NDArray[np.int8], NDArray[np.int64]]:
        """Return what `locate` returns for many samples: the parts and the indices in them."""
        # Without an object for each sample: there can be a hundred million.
        parts, numbers = array("b"), array("q")
        for index in map(int, indices_N):
            part, number = self.locate(split, index)
            parts.append(part)
            numbers.append(number)
        return np.array(parts, np.int8), np.array(numbers, np.int64)

    def rows(self, split: SplitName, count: int) -> SampleRows:
        """Return in which rows the images of the first `count` samples are stored: repeats share one."""
        return SampleRows(count, self.source.first_samples(count) if split == "train" else None)

    def of_split(self, split: SplitName) -> BuiltDataset:
        """Return this data set for training; else the main one, whose stored samples other runs share."""
        return self if split == "train" else self.source.main

    def distinct(self, split: SplitName, count: int) -> int:
        """Return how many of the first `count` samples of a split are different samples."""
        return sum(self.source.distinct(count)) if split == "train" else count

    def identity(self, split: SplitName, fingerprints: Sequence[str]) -> tuple[object, ...]:
        """Return everything that the pixels and texts of the training samples depend on."""
        parts = zip(self.parts, fingerprints, strict=True)
        return ("mixed", self.source.rule, *(part.identity(split, (found,)) for part, found in parts))

    def require_both(self, count: int) -> None:
        """Check that the first `count` training samples have one of each set.

        Raises:
            UsageError: they have none of one.
        """
        require_both(self.extra_share, count, *(part.text for part in self.parts))

    def describe_mixture(self, count: int) -> tuple[str, ...]:
        """Return a notice of how many of the first `count` training samples come from each set."""
        parts = []
        for part, number, different in zip(
            self.parts, self.source.counts(count), self.source.distinct(count), strict=True
        ):
            repeats = f" ({different:,} different ones)" if different < number else ""
            parts.append(f"{number:,} of {part.text}{repeats}")
        return (f"training images: {join_words(parts)}",)


def _with_alphabet(part: BuiltDataset, alphabet: Alphabet) -> BuiltDataset:
    """Return a data set whose labels may have all characters of an alphabet, if its source allows that.

    Validation and test pictures can have characters in their labels that only the extra set trains.
    """
    widen: Callable[[Alphabet], Source] | None = getattr(part.source, "with_alphabet", None)
    # Worker processes build a set that is not shared again, with its own alphabet.
    if widen is None or not part.is_shared or part.source.alphabet == alphabet:
        return part
    with attribute_errors(f"{part.describe_owner()}: with_alphabet failed"):
        return replace(part, source=widen(alphabet))
