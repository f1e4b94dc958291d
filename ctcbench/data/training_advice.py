"""Advice for a first training on a set of pictures: size, crop and channels, the preset, epochs and cost."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ctcbench.config.presets import read_preset
from ctcbench.config.run_config import setting_fields
from ctcbench.data.picture_content import ColourLoss, InkRows
from ctcbench.data.set_statistics import PictureSizes
from ctcbench.files.picture_sizes import MOST_SIDE
from ctcbench.files.pictures import MOST_CROPPED, Fit
from ctcbench.processes.cores import computing_cores

SHORT_TEXT_PRESET, LONG_TEXT_PRESET = "small", "lines"  # presets
_LONG_TEXT = 16  # characters
# FLOPs of a forward pass for each pixel, by `ctcbench show --preset …`; a training step has three times
# as many.
PIXEL_FLOPS = {SHORT_TEXT_PRESET: 108_600, LONG_TEXT_PRESET: 37_500}
_STEP_PASSES = 3
# FLOP/s of a core, from docs/benchmarks.md and docs/experiments.md: without bfloat16 instructions, and with.
_CORE_RATES = (40e9, 150e9)
_DISTORTED = 1.5  # factor by which a picture is stretched in one direction
_RESERVE = 1.25  # pictures that are read later may be wider than those of the data set
_WIDTH_STEP = 50
_HEIGHT_STEP = 8
_LEAST_HEIGHT = 16  # below it, pooling leaves no row
# More rows are needed only where a picture has several lines of text, which no size makes legible.
_MOST_HEIGHT = 96
_COLUMNS_PER_FRAME = 4  # of the backbones cnn5 and cnn7
_LEAST_STEPS = 500
_MOST_INK = 0.5  # share of the rows of the median picture; with more, a crop is not worth it
_CROP_STEP = 0.05
_CROP_RESERVE = 0.02  # share of the rows; the text of pictures that are read later may be higher or lower
_COLOURED = 0.2  # share of the pictures
_LEAST_EPOCHS = 2
_EPOCH_STEP = 10


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

    `fit=stretch` is replaced if it distorts much, unless a picture is too wide for any other width. With
    it, the height is at most the upper quartile of the pictures' heights: more rows cost time and show
    nothing. It is at least what the densest text needs.

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
    widest = min(_rounded(greatest * height * _RESERVE, _WIDTH_STEP), MOST_SIDE)
    if greatest * height > MOST_SIDE:  # fit=keep would leave the widest picture out
        return now
    if now.fit == "stretch" and is_distorted(now, sizes):
        return ImageSize("keep", height, widest)
    if height == now.height:
        return now
    usual = _rounded(sizes.median_aspect * height, _HEIGHT_STEP)
    return ImageSize(now.fit, height, usual if now.fit == "stretch" else widest)


def have_several_lines(usual_aspect_per_frame: float) -> bool:
    """Return whether most texts need more frames than their pictures have as one line of text at any height.

    Args:
        usual_aspect_per_frame: width of a picture divided by its height and by the frames that its text
            needs: the median.
    """
    return usual_aspect_per_frame * _MOST_HEIGHT < _COLUMNS_PER_FRAME


def is_distorted(size: ImageSize, sizes: PictureSizes) -> bool:
    """Return whether `fit=stretch` would stretch a picture by half or more in one direction."""
    least, greatest = sizes.aspects
    aspect = size.width / size.height
    return greatest >= _DISTORTED * aspect or aspect >= _DISTORTED * least


def advise_crop(ink: InkRows | None) -> float:
    """Return the share of the rows to leave out at the top, and at the bottom; 0 where the ink needs them."""
    if ink is None or ink.median_share >= _MOST_INK:
        return 0.0
    crop = _CROP_STEP * math.floor(round((ink.free_share - _CROP_RESERVE) / _CROP_STEP, 6))
    # A smaller crop makes letters hardly larger.
    return round(min(crop, MOST_CROPPED), 2) if crop >= 2 * _CROP_STEP else 0.0


def advise_channels(loss: ColourLoss | None) -> int:
    """Return 3 where grey images lose contrast that colour has, else 1."""
    return 3 if loss is not None and loss.coloured > _COLOURED * loss.examined else 1


def advise_preset(median_length: float) -> str:
    """Return the preset for texts of this median number of characters.

    A long line has many characters, so a small network learns enough from it, and many pixels, so a large
    network takes long.
    """
    return LONG_TEXT_PRESET if median_length >= _LONG_TEXT else SHORT_TEXT_PRESET


def advise_settings(images: int, preset: str = SHORT_TEXT_PRESET) -> dict[str, int]:
    """Return the settings in which a training on `images` pictures differs from a preset.

    With few pictures an epoch has few steps, so there are more epochs; many are all used, in fewer epochs.
    """
    known = setting_fields()
    usual = read_preset(preset, known)
    if images > usual["train_samples"]:
        epochs = round(usual["epochs"] * usual["train_samples"] / images)
        return {"train_samples": images, "epochs": max(_LEAST_EPOCHS, epochs)}
    needed = _LEAST_STEPS / math.ceil(images / known["batch_size"].default)
    return {"epochs": _rounded(needed, _EPOCH_STEP)} if needed > usual["epochs"] else {}


@dataclass(frozen=True)
class TrainingCost:
    """The cost of a training, estimated from its number of pixels.

    Attributes:
        images: number of training images.
        epochs: number of epochs.
        teraflop: of all training steps, in 10¹² FLOPs.
        seconds: the time with as many cores as here, if they have bfloat16 instructions, and if not.
    """

    images: int
    epochs: int
    teraflop: float
    seconds: tuple[float, float]


def estimate_cost(images: int, preset: str, size: ImageSize, sizes: PictureSizes) -> TrainingCost:
    """Return the cost of the training that is advised; validation and drawing come on top.

    Args:
        images: pictures to train on.
        preset: the preset that is advised.
        size: of the images, with the options that are advised.
        sizes: of the pictures, cropped as advised.
    """
    epochs = {**read_preset(preset, setting_fields()), **advise_settings(images, preset)}["epochs"]
    columns = float(np.nanmean(sizes.aspects_N)) * size.height if size.fit == "keep" else size.width
    flops = _STEP_PASSES * PIXEL_FLOPS[preset] * columns * size.height * images * epochs
    slow, fast = (flops / (rate * computing_cores()) for rate in _CORE_RATES)
    return TrainingCost(images, epochs, flops / 1e12, (fast, slow))


def _rounded(number: float, step: int) -> int:
    return step * math.ceil(number / step)
