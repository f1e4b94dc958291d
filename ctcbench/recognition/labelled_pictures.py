"""LabelledPictures: the pictures of a data set for a recogniser, with the texts that it should return."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, cast

from ctcbench.contract.data import LONGEST_TEXT, SPLITS, Sample, Samples, SplitName
from ctcbench.contract.errors import BadSample, PluginError, UsageError, nearest
from ctcbench.contract.specs import Alphabet
from ctcbench.contract.word_lists import join_words
from ctcbench.data.built_dataset import BuiltDataset, size_or_zero
from ctcbench.data.materialise import materialise
from ctcbench.files.spelling import returned_text, spell
from ctcbench.recognition.input_spec import InputSpec, build_fitting_dataset
from ctcbench.registry.attribution import attribute_errors
from ctcbench.registry.component_registry import Registry
from ctcbench.training.progress_events import ProgressListener

ALL = "all"  # in place of the name of a split


class LabelledPicture(NamedTuple):
    """A picture of a data set.

    Attributes:
        name: its name in messages.
        picture: a path, the content of a file or a sample; or the reason why it can't be used, a BadSample.
        target: the text that the recogniser should return.
        lacking: the characters of the label that its alphabet lacks.
    """

    name: str
    picture: Path | bytes | Sample | BadSample
    target: str = ""
    lacking: str = ""


@dataclass(frozen=True)
class LabelledPictures:
    """The first pictures of a split, or of all splits, made by `open_pictures`.

    Attributes:
        dataset: the data set.
        alphabet: that of the recogniser.
        counts: the number of pictures of each split that are read.
        sizes: the number of pictures of each split of a finite data set.
        drawn: the samples of each split, of a data set that draws its images.
    """

    dataset: BuiltDataset
    alphabet: Alphabet
    counts: Mapping[SplitName, int]
    sizes: Mapping[SplitName, int]
    drawn: Mapping[SplitName, Samples] = field(default_factory=dict)

    def __len__(self) -> int:
        return sum(self.counts.values())

    @property
    def left_out(self) -> int:
        """The number of samples that were left out while they were drawn."""
        return sum(samples.left_out for samples in self.drawn.values())

    def __iter__(self) -> Iterator[LabelledPicture]:
        """Yield the pictures in the order of the data set, one in memory at a time."""
        for split, count in self.counts.items():
            for index in range(count):
                yield self._picture(split, index)

    def _picture(self, split: SplitName, index: int) -> LabelledPicture:
        picture: Path | bytes | Sample
        if split in self.drawn:
            found = self.drawn[split]
            name, label = found.names[index], found.texts[index]
            picture = Sample(found.images_NCHW[index], label, int(found.widths_N[index]))
        else:
            source: Any = self.dataset.source
            name = source.describe(split, index)
            owner = self.dataset.describe_owner()
            try:
                with attribute_errors(f"{owner}: the picture {name} can't be read"):
                    picture, label = source.labelled_picture(split, index)
            except BadSample as error:
                return LabelledPicture(name, error)
            if not isinstance(label, str):
                raise PluginError(f"{owner}: the label of {name} is {label!r}, not a text")
            if len(label) > LONGEST_TEXT:
                raise PluginError(f"{owner}: the label of {name} has more than {LONGEST_TEXT:,} characters")
        text = spell(label, self.alphabet)
        if lacking := self.alphabet.missing(text):
            return LabelledPicture(name, picture, text, lacking)
        try:
            return LabelledPicture(name, picture, returned_text(text, self.alphabet))
        except BadSample as error:
            return LabelledPicture(name, error)


def open_pictures(
    registry: Registry,
    dataset: str,
    wanted: InputSpec,
    *,
    split: str,
    samples: int | None,
    skip_bad: bool,
    listener: ProgressListener,
) -> LabelledPictures:
    """Return the labelled pictures of a data set for a recogniser.

    Pictures are scaled for the recogniser, whatever the options of the data set. A data set without
    the method ``labelled_picture`` draws its images, which must have the recogniser's size.

    Args:
        registry: where the data set comes from.
        dataset: a component string.
        wanted: what the recogniser reads.
        split: the name of a split, or ``all``.
        samples: the number of pictures, None for all.
        skip_bad: whether samples that can't be drawn are left out.
        listener: receives notices, and the progress of drawing.

    Raises:
        UsageError: there is no such data set or split, it is empty or endless, an option contradicts the
            recogniser, or its images have another size.
    """
    if not isinstance(dataset, str):
        raise UsageError(
            f"evaluate() takes the component string of a data set, such as folder:path=PATH, not {dataset!r}"
        )
    built = build_fitting_dataset(registry, dataset, wanted)
    if split not in (*SPLITS, ALL):
        known = (*SPLITS, ALL)
        raise UsageError(f"split={split}{nearest(split, known)} (allowed are {', '.join(known)})")
    if samples is not None and samples < 1:
        raise UsageError(f"samples={samples}: at least 1 is needed")
    counts = _counts(built, split, samples)
    sizes = {name: size for name in SPLITS if (size := size_or_zero(built.source, name))}
    # The classes are those of the recogniser, whatever the labels of this data set are.
    of_classes = getattr(built.source, "class_notices", ())
    for notice in built.notices:
        if notice not in of_classes:
            listener.notice(notice)
    if samples is not None and sum(counts.values()) < samples:
        listener.notice(f"{split}: all {sum(counts.values()):,} pictures are read, not {samples:,}")
    if hasattr(built.source, "labelled_picture"):
        return LabelledPictures(built, wanted.alphabet, counts, sizes)
    drawn = {name: _draw(built, name, count, skip_bad, listener) for name, count in counts.items()}
    counts = {name: len(found) for name, found in drawn.items()}
    return LabelledPictures(built, wanted.alphabet, counts, sizes, drawn)


def _counts(built: BuiltDataset, split: str, samples: int | None) -> dict[SplitName, int]:
    """Return how many pictures of each split are read."""
    if split == ALL:
        names = [name for name in SPLITS if size_or_zero(built.source, name)]
        if not names:
            raise UsageError(f"dataset {built.text}: split={ALL} needs a finite data set; choose a split")
    else:
        names = [cast(SplitName, split)]
    counts: dict[SplitName, int] = {}
    for name in names:
        others = [other for other in SPLITS if size_or_zero(built.source, other)]
        hint = "; --split all scores every picture" if others else ""
        try:
            size = built.count(name)
        except UsageError as error:
            raise UsageError(f"{error}{hint}") from error
        if size == 0:
            has = f" (it has {join_words(others)})" if others else ""
            raise UsageError(f"dataset {built.text}: its split {name!r} is empty{has}{hint}")
        if size is None and samples is None:
            raise UsageError(
                f"dataset {built.text} draws images without end; give their number: --samples N (samples=N)"
            )
        remaining = None if samples is None else samples - sum(counts.values())
        counts[name] = min(n for n in (size, remaining) if n is not None)
    return {name: count for name, count in counts.items() if count}


def _draw(
    built: BuiltDataset, split: SplitName, count: int, skip_bad: bool, listener: ProgressListener
) -> Samples:
    return materialise(
        built,
        split,
        count,
        skip_bad=skip_bad,
        progress=lambda done, total: listener.images_drawn(split, done, total),
        notice=listener.notice,
    )
