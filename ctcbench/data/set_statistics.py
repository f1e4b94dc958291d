"""Statistics of a data set before any training: sizes, texts, texts too long for their images, duplicates."""

from __future__ import annotations

import hashlib
import statistics
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np

from ctcbench.contract.data import Samples, Source, SplitName
from ctcbench.contract.errors import BadSample, CtcbenchError
from ctcbench.contract.specs import Alphabet, frames_needed

COLUMNS_PER_FRAME = (1, 2, 4, 8)
_EXAMPLES = 3


@dataclass(frozen=True)
class Spread:
    """The distribution of a number of pixels: least, quartiles (lower, median, upper) and greatest."""

    least: int
    quartiles: tuple[float, float, float]
    greatest: int

    @classmethod
    def of(cls, values: Sequence[int]) -> Spread:
        """Return the distribution of one or more values."""
        low, median, high = (
            statistics.quantiles(values, n=4, method="inclusive")
            if len(values) > 1
            else ([float(values[0])] * 3)
        )
        return cls(min(values), (low, median, high), max(values))


@dataclass(frozen=True)
class PictureSizes:
    """The sizes of pictures before they are scaled.

    Attributes:
        widths: in pixels.
        heights: in pixels.
        aspects: the least and the greatest width of a picture divided by its height.
        widest: the name of the picture with the greatest.
    """

    pictures: int
    widths: Spread
    heights: Spread
    aspects: tuple[float, float]
    widest: str


def measure_pictures(source: Source, split: SplitName, samples: int) -> PictureSizes | None:
    """Return the sizes of the first pictures of a split; None if the source draws its images.

    Pictures that can't be read are not counted.
    """
    measure = getattr(source, "picture_size", None)
    if measure is None:
        return None
    widths, heights, aspects = [], [], []
    for index in range(samples):
        try:
            width, height = measure(split, index)
        except BadSample:
            continue
        widths.append(width)
        heights.append(height)
        aspects.append((width / height, index))
    if not aspects:
        return None
    (least, _), (greatest, widest) = min(aspects), max(aspects)
    name = source.describe(split, widest)
    return PictureSizes(len(widths), Spread.of(widths), Spread.of(heights), (least, greatest), name)


@dataclass(frozen=True)
class FrameNeeds:
    """How many columns of its image a text has for each frame that CTC needs at least.

    Attributes:
        fewest_columns: columns for each frame of the densest image; more of them per frame are too many.
        densest: the name of that image.
        too_long: images whose text needs more frames than there are, by columns per frame.
    """

    fewest_columns: float
    densest: str
    too_long: Mapping[int, int]


def frame_needs(samples: Samples, alphabet: Alphabet) -> FrameNeeds:
    """Return what the texts of one or more samples need."""
    needs_N = np.array([max(1, frames_needed(alphabet.encode(text))) for text in samples.texts])
    columns_N = samples.widths_N / needs_N
    densest = int(columns_N.argmin())
    too_long = {columns: int((samples.widths_N // columns < needs_N).sum()) for columns in COLUMNS_PER_FRAME}
    return FrameNeeds(float(columns_N[densest]), samples.names[densest], too_long)


@dataclass(frozen=True)
class Duplicates:
    """Images with the same pixels.

    Attributes:
        within: by split, the images that repeat an earlier one of the split.
        across: by a pair of splits, the images of the second that are in the first too.
        differing: groups of equal images whose texts differ.
        examples: some of the groups, across splits and with different texts first; of each image its split,
            name and text.
    """

    within: Mapping[SplitName, int]
    across: Mapping[tuple[SplitName, SplitName], int]
    differing: int
    examples: Sequence[Sequence[tuple[SplitName, str, str]]] = field(default_factory=tuple)

    @property
    def found(self) -> bool:
        """Whether there are any."""
        return any(self.within.values()) or any(self.across.values())


def find_duplicates(splits: Mapping[SplitName, Samples]) -> Duplicates:
    """Return the images that are equal, by the content of their pixels."""
    # A digest per image: their pixels are mapped from a file and never all in memory.
    groups: dict[bytes, list[tuple[SplitName, int]]] = defaultdict(list)
    for split, samples in splits.items():
        for index, (image_CHW, width) in enumerate(zip(samples.images_NCHW, samples.widths_N, strict=True)):
            digest = hashlib.blake2b(f"{image_CHW.shape} {width} ".encode(), digest_size=16)
            digest.update(np.ascontiguousarray(image_CHW).data)
            groups[digest.digest()].append((split, index))
    repeated = [group for group in groups.values() if len(group) > 1]
    within = dict.fromkeys(splits, 0)
    across = dict.fromkeys(combinations(splits, 2), 0)
    ranked = []
    for group in repeated:
        counts = Counter(split for split, _ in group)
        for split, count in counts.items():
            within[split] += count - 1
        for one, other in across:
            if counts[one]:
                across[one, other] += counts[other]
        texts = {splits[split].texts[index] for split, index in group}
        ranked.append((len(counts) > 1, len(texts) > 1, group))
    ranked.sort(key=lambda entry: entry[:2], reverse=True)
    examples = [
        [
            (split, splits[split].names[index], splits[split].texts[index])
            for split, index in group[:_EXAMPLES]
        ]
        for _, _, group in ranked[:_EXAMPLES]
    ]
    return Duplicates(within, across, sum(differ for _, differ, _ in ranked), examples)


def size_or_zero(source: Source, split: SplitName) -> int:
    """Return the number of samples of a split; 0 if it is empty, unlimited or can't be made."""
    try:
        return source.size(split) or 0
    except CtcbenchError:
        return 0
