"""LabelledPictures: the pictures of a data set for a recogniser, with the texts that it should return."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, cast

from ctcbench.contract.component_string import ComponentString
from ctcbench.contract.data import LONGEST_TEXT, SPLITS, Sample, Samples, SplitName
from ctcbench.contract.errors import BadSample, PluginError, UsageError, nearest
from ctcbench.contract.specs import Alphabet, ImageSpec
from ctcbench.data.built_dataset import BuiltDataset, build_dataset, fit_of, size_or_zero
from ctcbench.data.materialise import materialise
from ctcbench.files.pictures import Fit
from ctcbench.files.spelling import returned_text, spell
from ctcbench.registry.attribution import attribute_errors
from ctcbench.registry.component_registry import Registry
from ctcbench.training.progress_events import ProgressListener

ALL = "all"  # in place of the name of a split


class LabelledPicture(NamedTuple):
    """A picture of a data set.

    Attributes:
        name: its name in messages.
        picture: a path, the content of a file or a sample; a BadSample is why it can't be used.
        target: the text that the recogniser should return.
        lacking: the characters of the label that its alphabet lacks.
    """

    name: str
    picture: Path | bytes | Sample | BadSample
    target: str = ""
    lacking: str = ""


@dataclass(frozen=True)
class InputSpec:
    """What a recogniser reads: the size of its images, the fit of pictures to that size, the alphabet.

    ``crops`` are other crops than that of its images, at which pictures are read.
    """

    image: ImageSpec
    fit: Fit
    alphabet: Alphabet
    crops: tuple[float, ...] = ()

    def options(self) -> dict[str, object]:
        """Return the options of data sets of pictures that a recogniser has already, and their values."""
        image = dataclasses.asdict(self.image)
        # The option `fit` states it.
        del image["variable"]
        return {**image, "fit": self.fit, "direction": self.alphabet.direction}


@dataclass(frozen=True)
class LabelledPictures:
    """The first pictures of a split, or of all splits; `open_pictures` returns them.

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

    Pictures are not scaled as the data set's options say, but as the recogniser demands. A data set without
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
    built = _build(registry, dataset, wanted)
    if split not in (*SPLITS, ALL):
        known = (*SPLITS, ALL)
        raise UsageError(f"split={split}{nearest(split, known)} (allowed are {', '.join(known)})")
    if samples is not None and samples < 1:
        raise UsageError(f"samples={samples}: at least 1 is needed")
    if not hasattr(built.source, "labelled_picture"):
        if wanted.crops:
            raise UsageError(f"dataset {built.text}: its images are drawn, and can't be read at other crops")
        _require_size(registry, built, wanted.image)
    counts = _counts(built, split, samples)
    sizes = {name: size for name in SPLITS if (size := size_or_zero(built.source, name))}
    for notice in built.notices:
        listener.notice(notice)
    if samples is not None and sum(counts.values()) < samples:
        listener.notice(f"{split}: all {sum(counts.values()):,} pictures are read, not {samples:,}")
    if hasattr(built.source, "labelled_picture"):
        return LabelledPictures(built, wanted.alphabet, counts, sizes)
    drawn = {name: _draw(built, name, count, skip_bad, listener) for name, count in counts.items()}
    counts = {name: len(found) for name, found in drawn.items()}
    return LabelledPictures(built, wanted.alphabet, counts, sizes, drawn)


def _build(registry: Registry, text: str, wanted: InputSpec) -> BuiltDataset:
    resolved = ComponentString.parse(registry.resolve("dataset", text))
    typed, options = ComponentString.parse(text).options, dict(resolved.options)
    direction = wanted.alphabet.direction
    # The data set reports labels that do not fit the direction in which pictures are read.
    if "direction" in registry.get("dataset", resolved.name).options and "direction" not in typed:
        options["direction"] = direction
    built = build_dataset(registry, registry.resolve("dataset", str(ComponentString(resolved.name, options))))
    if hasattr(built.source, "labelled_picture"):
        source = built.source
        own = InputSpec(source.image, fit_of(source), source.alphabet).options()
        for name, value in wanted.options().items():
            if name in typed and own[name] != value:
                raise UsageError(
                    f"dataset {text}: {name}={own[name]} contradicts the recogniser, which has "
                    f"{name}={value}; leave it out: pictures are read as `ctcbench predict` reads them"
                )
    return built


def _require_size(registry: Registry, built: BuiltDataset, wanted: ImageSpec) -> None:
    """Check that a recogniser of images of a size reads the images that a data set draws."""
    image = built.source.image
    if wanted.variable:
        fits = image.width <= wanted.width
    else:
        fits = image.width == wanted.width and not image.variable
    if fits and (image.channels, image.height) == (wanted.channels, wanted.height):
        return
    known = registry.get("dataset", ComponentString.parse(built.text).name).options
    needed = {"width": wanted.width, "height": wanted.height, "channels": wanted.channels}
    typed = ",".join(f"{name}={value}" for name, value in needed.items() if name in known)
    remedy = f"; give it {typed}" if typed else ""
    raise UsageError(
        f"dataset {built.text}: it draws images of {_size(image)}, but the recogniser reads {_size(wanted)}, "
        f"and drawn images are not scaled{remedy}"
    )


def _size(image: ImageSpec) -> str:
    widths = f"up to {image.width}" if image.variable else f"{image.width}"
    return f"{widths}×{image.height} pixels in {'grey' if image.channels == 1 else 'colour'}"


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
        others = any(size_or_zero(built.source, other) for other in SPLITS)
        hint = "; --split all scores every picture" if others else ""
        try:
            size = built.count(name)
        except UsageError as error:
            raise UsageError(f"{error}{hint}") from error
        if size == 0:
            raise UsageError(f"dataset {built.text}: its split {name!r} is empty{hint}")
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
