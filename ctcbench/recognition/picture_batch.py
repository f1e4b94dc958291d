"""PictureBatch: prepared pictures as the arrays of a `Reader`; columns of images as those of pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ctcbench.contract.data import Sample
from ctcbench.contract.specs import ImageSpec
from ctcbench.files.picture_sizes import MOST_SIDE
from ctcbench.files.pictures import PreparedPicture
from ctcbench.files.pixel_levels import WHITE
from ctcbench.recognition.reader import Reader

# Pixels of a batch and number of its images, at most. The first layers of a network need some hundred bytes
# for a pixel.
BATCH_PIXELS, BATCH_IMAGES = 2**21, 64
_WIDEST = 1.25  # of the narrowest image of a batch
_WIDER = 4  # than the widest training image


@dataclass(frozen=True)
class PictureBatch:
    """Pictures that the network reads together.

    Attributes:
        images_NCHW: uint8; for right-to-left text mirrored, with the padding on the right all the same.
        widths_N: number of columns of each image before its padding, int64.
        sizes: width and height of each picture before it was resized, in pixels.
        is_mirrored: whether images are mirrored.
    """

    images_NCHW: NDArray[np.uint8]
    widths_N: NDArray[np.int64]
    sizes: tuple[tuple[int, int], ...]
    is_mirrored: bool

    def picture_columns(self, row: int, columns: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return columns of an image, in pairs of left and right ends (L, 2), as those of its picture."""
        width = float(self.widths_N[row])
        columns = columns.clip(0, width)
        if self.is_mirrored:
            columns = width - columns[:, ::-1]
        return columns * (self.sizes[row][0] / width)


def most_columns(image: ImageSpec) -> int:
    """Return the columns of the widest image that a network for images of this size may read.

    Those of variable width may be wider than the training images, within the bounds of memory.
    """
    return max(image.width, min(_WIDER * image.width, MOST_SIDE)) if image.variable else image.width


def split_by_width(pictures: Sequence[Sample], reader: Reader) -> list[NDArray[np.int64]]:
    """Return the indices of the pictures of each batch: one batch of all, if images have one size.

    Images of variable width are sorted by it, and those of a batch are at most a quarter wider than its
    narrowest, so that little of it is padding. A batch has a bounded number of pixels.
    """
    if not reader.image.variable:
        return [np.arange(len(pictures))]
    widths_N = np.array([picture.image.shape[-1] for picture in pictures])
    batches: list[list[int]] = []
    for row in np.argsort(widths_N, kind="stable").tolist():
        width = int(widths_N[row])
        full = not batches or (len(batches[-1]) + 1) * width * reader.image.height > BATCH_PIXELS
        if full or width > _WIDEST * widths_N[batches[-1][0]]:
            batches.append([])
        batches[-1].append(row)
    return [np.array(batch, np.int64) for batch in batches]


def make_batch(pictures: Sequence[Sample], reader: Reader) -> PictureBatch:
    """Return pictures as a batch.

    Args:
        pictures: samples that `read_picture` prepared for the network, or that its data set drew.
        reader: the network.
    """
    image, mirrored = reader.image, reader.alphabet.direction == "rtl"
    columns_N = [picture.image.shape[-1] for picture in pictures]
    images_NCHW = np.full((len(pictures), image.channels, image.height, max(columns_N)), WHITE, np.uint8)
    widths_N = np.array(
        [picture.width or columns for picture, columns in zip(pictures, columns_N, strict=True)], np.int64
    )
    for row, picture in enumerate(pictures):
        images_NCHW[row, :, :, : columns_N[row]] = picture.image
        if mirrored:
            # As `Split.batch` does with the training images; the padding stays on the right.
            shown_CHW = images_NCHW[row, :, :, : widths_N[row]]
            shown_CHW[:] = shown_CHW[:, :, ::-1].copy()
    sizes = [
        picture.size if isinstance(picture, PreparedPicture) else (int(width), image.height)
        for picture, width in zip(pictures, widths_N, strict=True)
    ]
    return PictureBatch(images_NCHW, widths_N, tuple(sizes), mirrored)
