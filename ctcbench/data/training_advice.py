"""Advice for a first training on a set of pictures: their size as images, and how many epochs."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ctcbench.config.presets import read_preset
from ctcbench.config.run_config import setting_fields
from ctcbench.data.set_statistics import PictureSizes
from ctcbench.files.pictures import Fit

PRESET = "small"
_DISTORTED = 1.5  # times a picture is stretched in one direction
_RESERVE = 1.25  # pictures that are read later may be wider than those of the data set
_WIDTH_STEP = 50
_HEIGHT_STEP = 8
_LEAST_HEIGHT = 16  # below it, pooling leaves no row
_MOST_HEIGHT = (
    96  # more rows are needed where a picture has several lines of text, which no size makes legible
)
_COLUMNS_PER_FRAME = 4  # of the backbones cnn5 and cnn7
_LEAST_STEPS = 500
_LEAST_EPOCHS = 2


@dataclass(frozen=True)
class ImageSize:
    """How pictures are brought to one size: the options of their data set.

    Attributes:
        fit: stretch, pad or keep.
        height: in rows.
        width: in columns; with keep, the greatest.
    """

    fit: Fit
    height: int
    width: int


def advise_size(now: ImageSize, sizes: PictureSizes, aspect_per_frame: float) -> ImageSize:
    """Return the size for a first training; `now` where it is as good.

    `fit=stretch` is replaced where it distorts much. Rows that three quarters of the pictures do not have
    are left out: they cost time and show nothing. The height is at least what the densest text needs.

    Args:
        now: the options that were chosen.
        sizes: of the pictures.
        aspect_per_frame: width of a picture divided by its height and by the frames that its text needs:
            the least of all.
    """
    greatest = sizes.aspects[1]
    own = max(_rounded(sizes.heights.quartiles[2], _HEIGHT_STEP), _LEAST_HEIGHT)
    needed = _rounded(_COLUMNS_PER_FRAME / aspect_per_frame, _HEIGHT_STEP)
    if needed > _MOST_HEIGHT:
        needed = 0
    height = max(min(now.height, own) if now.fit == "stretch" else now.height, needed)
    widest = _rounded(greatest * height * _RESERVE, _WIDTH_STEP)
    if now.fit == "stretch" and is_distorted(now, sizes):
        return ImageSize("keep", height, widest)
    if height == now.height:
        return now
    usual = _rounded(sizes.median_aspect * height, _HEIGHT_STEP)
    return ImageSize(now.fit, height, usual if now.fit == "stretch" else widest)


def is_distorted(size: ImageSize, sizes: PictureSizes) -> bool:
    """Return whether `fit=stretch` would stretch a picture much in one direction."""
    least, greatest = sizes.aspects
    aspect = size.width / size.height
    return greatest >= _DISTORTED * aspect or aspect >= _DISTORTED * least


def advise_settings(images: int) -> dict[str, int]:
    """Return the settings in which a training on so many pictures differs from the preset `PRESET`.

    Few pictures make few steps in an epoch, so that they need more epochs; of many, all are used, in fewer.
    """
    known = setting_fields()
    preset = read_preset(PRESET, known)
    if images > preset["train_samples"]:
        epochs = round(preset["epochs"] * preset["train_samples"] / images)
        return {"train_samples": images, "epochs": max(_LEAST_EPOCHS, epochs)}
    needed = _LEAST_STEPS / math.ceil(images / known["batch_size"].default)
    return {"epochs": _rounded(needed, 10)} if needed > preset["epochs"] else {}


def _rounded(number: float, step: int) -> int:
    return step * math.ceil(number / step)
