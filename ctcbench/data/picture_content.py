"""The rows of pictures that have ink, contrast that is lost in grey, and text that a white ground hides."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ctcbench.contract.data import Samples, Source, SplitName
from ctcbench.contract.errors import BadSample
from ctcbench.contract.specs import Ground
from ctcbench.data.built_dataset import fit_of
from ctcbench.data.faint_images import is_faint
from ctcbench.files.pictures import read_picture

_INK_SAMPLES = 512
_DECODED_SAMPLES = 48  # decoded again, in colour or on another ground
_GROUNDS: tuple[Ground, Ground] = ("white", "auto")
_FAINTEST_ROW = 0.08  # of the contrast of the row with the most
_LEAST_LOSS = 0.1  # share of the squared changes along the rows
_LEAST_LEVELS = 3  # root mean square; less is the noise of JPEG
_LUMINANCE = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601, as Pillow


@dataclass(frozen=True)
class PictureContent:
    """What pictures show that decides how they are best read; None where it could not be measured.

    Attributes:
        ink: the rows with ink.
        colour_loss: the pictures whose contrast is partly lost in grey.
        hidden_text: the transparent pictures whose text a white ground hides.
    """

    ink: InkRows | None
    colour_loss: ColourLoss | None
    hidden_text: HiddenText | None


def measure_content(source: Source, split: SplitName, samples: Samples, *, faint: bool) -> PictureContent:
    """Return the content of the pictures of a split.

    Args:
        source: the data set that the samples were read from.
        split: the split.
        samples: its images.
        faint: whether some of them have hardly any contrast, as those have whose text is hidden.
    """
    count = len(samples) + samples.left_out
    return PictureContent(
        measure_ink(samples),
        measure_colour_loss(source, split, count),
        find_hidden_text(source, split, count) if faint else None,
    )


@dataclass(frozen=True)
class InkRows:
    """How much of the height of pictures has ink, measured by changes of level along the rows.

    Attributes:
        median_share: the median share of the rows from the first with ink to the last.
        free_share: the share of the rows that is free of ink both at the top and at the bottom in 95 % of the
            pictures.
    """

    median_share: float
    free_share: float


def measure_ink(samples: Samples) -> InkRows | None:
    """Return the rows with ink of some samples, evenly spaced; None if no image has contrast."""
    found = []
    for index in _spaced(len(samples), _INK_SAMPLES):
        image_CHW = samples.images_NCHW[index][..., : int(samples.widths_N[index])]
        contrast_H = np.abs(np.diff(image_CHW.astype(np.int16), axis=2)).sum((0, 2))
        if contrast_H.any():
            rows = np.flatnonzero(contrast_H >= _FAINTEST_ROW * contrast_H.max())
            height = len(contrast_H)
            found.append([(rows[-1] + 1 - rows[0]) / height, min(rows[0], height - 1 - rows[-1]) / height])
    if not found:
        return None
    shares_N, free_N = np.array(found).T
    return InkRows(float(np.median(shares_N)), float(np.quantile(free_N, 0.05)))


@dataclass(frozen=True)
class ColourLoss:
    """Pictures whose contrast is partly lost in grey.

    Attributes:
        examined: number of pictures.
        coloured: number of these in which grey loses more than a tenth of the changes from pixel to pixel:
            hues of equal brightness, or colours that differ by more than their brightness.
    """

    examined: int
    coloured: int


def measure_colour_loss(source: Source, split: SplitName, samples: int) -> ColourLoss | None:
    """Return how much contrast grey loses in some of the first pictures of a split.

    None if the source draws its images, or has colour already.
    """
    picture_at = getattr(source, "labelled_picture", None)
    if picture_at is None or source.image.channels != 1:
        return None
    spec = dataclasses.replace(source.image, channels=3)
    examined = coloured = 0
    for index in _spaced(samples, _DECODED_SAMPLES):
        try:
            image_CHW = read_picture(picture_at(split, index)[0], spec, fit_of(source)).image
        except BadSample:
            continue
        examined += 1
        coloured += _loses_contrast(image_CHW)
    return ColourLoss(examined, coloured)


@dataclass(frozen=True)
class HiddenText:
    """Transparent pictures that have no contrast on white, but do on the ground ``auto``.

    Attributes:
        examined: number of pictures.
        hidden: number of these that have contrast on the ground ``auto`` alone.
    """

    examined: int
    hidden: int


def find_hidden_text(source: Source, split: SplitName, samples: int) -> HiddenText | None:
    """Return how many of the first pictures of a split, evenly spaced, need another ground than white.

    None if the source draws its images, or has another ground already.
    """
    picture_at = getattr(source, "labelled_picture", None)
    if picture_at is None or source.image.ground != "white":
        return None
    examined = hidden = 0
    for index in _spaced(samples, _DECODED_SAMPLES):
        try:
            picture = picture_at(split, index)[0]
            on_white, on_other = (
                read_picture(picture, dataclasses.replace(source.image, ground=ground), fit_of(source)).image
                for ground in _GROUNDS
            )
        except BadSample:
            continue
        examined += 1
        hidden += is_faint(on_white) and not is_faint(on_other)
    return HiddenText(examined, hidden)


def _loses_contrast(image_CHW: NDArray[np.uint8]) -> bool:
    """Return whether the changes along the rows are not explained by those of the luminance."""
    # Changes and not levels: a background that fades from one colour to another hides nothing.
    changes_CP = np.diff(image_CHW.astype(np.float32), axis=2).reshape(3, -1)
    luminance_P = _LUMINANCE @ changes_CP
    total, power = float((changes_CP**2).sum()), float((luminance_P**2).sum())
    explained: Any = ((changes_CP @ luminance_P) ** 2).sum() / power if power else 0.0
    lost = max(0.0, total - float(explained))
    return lost > _LEAST_LOSS * total and lost > _LEAST_LEVELS**2 * changes_CP.size


def _spaced(count: int, most: int) -> list[int]:
    """Return at most `most` of the numbers below `count`, evenly spaced."""
    places = np.linspace(0, count - 1, min(count, most)) if count else np.empty(0)
    return sorted({round(float(place)) for place in places})
