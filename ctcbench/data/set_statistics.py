"""Sizes of the pictures of a data set, and columns of its images for each frame that their texts need."""

from __future__ import annotations

import math
import statistics
from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from ctcbench.contract.data import Samples, Source, SplitName
from ctcbench.contract.errors import BadSample
from ctcbench.contract.specs import Alphabet, frames_needed

COLUMNS_PER_FRAME = (1, 2, 4, 8)


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

    def to_json(self) -> dict[str, Any]:
        """Return the distribution as a JSON document."""
        return {"least": self.least, "quartiles": list(self.quartiles), "greatest": self.greatest}


@dataclass(frozen=True)
class PictureSizes:
    """The sizes of pictures before they are scaled.

    Attributes:
        pictures: their number.
        widths: in pixels.
        heights: in pixels.
        aspects: the least and the greatest width of a picture divided by its height.
        median_aspect: the median of these ratios.
        widest: the name of the picture with the greatest ratio.
        aspects_N: the ratio of each picture; NaN where it can't be read.
    """

    pictures: int
    widths: Spread
    heights: Spread
    aspects: tuple[float, float]
    median_aspect: float
    widest: str
    aspects_N: NDArray[np.float64] = field(repr=False, compare=False)

    def cropped(self, share: float) -> PictureSizes:
        """Return the sizes without a share of the rows at the top, and at the bottom."""
        kept = 1 - 2 * share
        heights = self.heights
        return replace(
            self,
            heights=Spread(
                max(1, round(heights.least * kept)),
                cast("tuple[float, float, float]", tuple(value * kept for value in heights.quartiles)),
                max(1, round(heights.greatest * kept)),
            ),
            aspects=(self.aspects[0] / kept, self.aspects[1] / kept),
            median_aspect=self.median_aspect / kept,
            aspects_N=self.aspects_N / kept,
        )

    def to_json(self) -> dict[str, Any]:
        """Return what `ctcbench data describe` shows of the sizes as a JSON document."""
        return {
            "widths": self.widths.to_json(),
            "heights": self.heights.to_json(),
            "aspects": [round(aspect, 2) for aspect in self.aspects],
            "widest": self.widest,
        }


def measure_pictures(source: Source, split: SplitName, indices: Iterable[int]) -> PictureSizes | None:
    """Return the sizes of some pictures of a split; None if the source draws its images.

    Pictures that can't be read are not counted.
    """
    measure = getattr(source, "picture_size", None)
    if measure is None:
        return None
    widths, heights, aspects = array("q"), array("q"), array("d")
    widest, greatest = -1, 0.0
    for index in map(int, indices):
        try:
            width, height = measure(split, index)
        except BadSample:
            aspects.append(math.nan)
            continue
        widths.append(width)
        heights.append(height)
        aspects.append(width / height)
        if width / height > greatest:
            widest, greatest = index, width / height
    if not widths:
        return None
    aspects_N = np.array(aspects)
    return PictureSizes(
        len(widths),
        Spread.of(widths),
        Spread.of(heights),
        (float(np.nanmin(aspects_N)), float(np.nanmax(aspects_N))),
        float(np.nanmedian(aspects_N)),
        source.describe(split, widest),
        aspects_N,
    )


@dataclass(frozen=True)
class FrameNeeds:
    """How many columns of its image a text has for each frame that CTC needs at least.

    Attributes:
        fewest_columns: columns for each frame of the densest image; more of them per frame are too many.
        densest: the name of that image.
        too_long: images whose text needs more frames than there are, by columns per frame.
        needs_N: the frames that each text needs at least.
    """

    fewest_columns: float
    densest: str
    too_long: Mapping[int, int]
    needs_N: NDArray[np.int64] = field(repr=False, compare=False)

    def to_json(self) -> dict[str, Any]:
        """Return what `ctcbench data describe` shows of the frames as a JSON document."""
        return {
            "fewest_columns_per_frame": round(self.fewest_columns, 2),
            "densest": self.densest,
            "too_long_by_columns_per_frame": {str(columns): n for columns, n in self.too_long.items()},
        }


def frame_needs(samples: Samples, alphabet: Alphabet) -> FrameNeeds:
    """Return what the texts of one or more samples need."""
    needs = (max(1, frames_needed(alphabet.frame_order(text))) for text in samples.texts)
    needs_N = np.fromiter(needs, np.int64, len(samples))
    columns_N = samples.widths_N / needs_N
    densest = int(columns_N.argmin())
    too_long = {columns: int((samples.widths_N // columns < needs_N).sum()) for columns in COLUMNS_PER_FRAME}
    return FrameNeeds(float(columns_N[densest]), samples.names[densest], too_long, needs_N)


def aspects_per_frame(sizes: PictureSizes, needs: FrameNeeds) -> tuple[float, float]:
    """Return the width of a picture divided by its height and by the frames of its text: least and median.

    Args:
        sizes: of the pictures of the samples.
        needs: of the samples, in the same order.
    """
    each_N = sizes.aspects_N / needs.needs_N
    return float(np.nanmin(each_N)), float(np.nanmedian(each_N))
