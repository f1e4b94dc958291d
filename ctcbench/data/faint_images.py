"""Images of a data set that have hardly any contrast, and so show no text."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ctcbench.contract.data import Samples

LEAST_CONTRAST = 16  # of 256 levels
_SQUARE = 3  # rows and columns of the squares over which noise is averaged


@dataclass(frozen=True)
class FaintImages:
    """Images without contrast, which show no text.

    Attributes:
        images: their number.
        example: the name of the first, empty if there is none.
    """

    images: int
    example: str


def find_faint_images(samples: Samples) -> FaintImages:
    """Return the images whose levels are all nearly equal, apart from the noise of single pixels."""
    found, example = 0, ""
    images = zip(samples.images_NCHW, samples.widths_N, strict=True)
    for index, (image_CHW, width) in enumerate(images):
        pixels = image_CHW[..., :width]
        if is_faint(pixels):
            found, example = found + 1, example or samples.names[index]
    return FaintImages(found, example)


def is_faint(pixels: NDArray[np.uint8]) -> bool:
    """Return whether the levels of an image, (H, W) or (C, H, W), are all nearly equal."""
    return _contrast(pixels) < LEAST_CONTRAST


def _contrast(pixels_CHW: NDArray[np.uint8]) -> float:
    """Return the range of levels; if noise of single pixels could explain it, that of means over squares.

    Of several channels it is the largest: the channels of a blank page of a colour differ.
    """
    if pixels_CHW.ndim > 2:
        return max(map(_contrast, pixels_CHW))
    levels = int(pixels_CHW.max()) - int(pixels_CHW.min())
    height, width = pixels_CHW.shape[-2:]
    if levels >= LEAST_CONTRAST * _SQUARE**2 or min(height, width) < _SQUARE:
        return levels
    windows = np.lib.stride_tricks.sliding_window_view(pixels_CHW, (_SQUARE, _SQUARE), axis=(-2, -1))
    sums = windows.sum((-2, -1), dtype=np.uint16)
    return (int(sums.max()) - int(sums.min())) / _SQUARE**2
