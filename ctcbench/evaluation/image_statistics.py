"""Statistics of images that tell one kind of picture from another: levels, edges, rows and colour."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_LEVEL_RANGES, _ROW_BANDS, _SCALES = 8, 8, 3
_LEAST_SHARE, _LEAST_ENERGY = 1e-3, 1e-6  # below these an empty range or a flat image has no logarithm
_LEAST_SIZE = 2**_SCALES  # rows and columns


def number_of_statistics(channels: int) -> int:
    """Return D, the number of statistics of images with so many channels."""
    return 1 + (2 if channels > 1 else 0) + _LEVEL_RANGES + _ROW_BANDS + 3 * _SCALES


def images_statistics(images: Sequence[NDArray[np.uint8]]) -> NDArray[np.float64]:
    """Return the statistics of N images, (N, D), with D = 26 for grey images and 28 for colour.

    They are the logarithms of the shares of pixels in eight ranges of levels and of the energies of a Haar
    wavelet transform (Mallat 1989: three scales; horizontal, vertical and diagonal edges), the mean levels of
    eight bands of rows, the logarithm of the ratio of width to height, and of colour images the mean and the
    standard deviation of the distance between the channels.

    Args:
        images: uint8 of shape (H, W) or (C, H, W), without padding; they can have different sizes.
    """
    shapes: dict[tuple[int, ...], list[int]] = {}
    for row, image in enumerate(images):
        shapes.setdefault(image.shape, []).append(row)
    parts: dict[int, NDArray[np.float64]] = {}
    for shape, rows in shapes.items():
        stacked = np.stack([images[row] for row in rows])
        parts.update(zip(rows, _statistics(stacked if len(shape) == 3 else stacked[:, None]), strict=True))
    return np.stack([parts[row] for row in range(len(images))])


def _statistics(images_NCHW: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return the statistics of images of one size."""
    count, channels, height, width = images_NCHW.shape
    columns: list[NDArray[np.floating]] = [np.full((count, 1), np.log(width / height))]
    if channels > 1:
        spread_NHW = (images_NCHW.max(1) - images_NCHW.min(1)).astype(np.float32) / 255
        columns += [spread_NHW.mean((1, 2))[:, None], spread_NHW.std((1, 2))[:, None]]
        grey_NHW = images_NCHW.mean(1, dtype=np.float32)
    else:
        grey_NHW = images_NCHW[:, 0].astype(np.float32)
    ranges_NP = (grey_NHW.reshape(count, -1) * (_LEVEL_RANGES / 256)).astype(np.uint8)
    shares = [np.count_nonzero(ranges_NP == level, axis=1) for level in range(_LEVEL_RANGES)]
    columns.append(np.log(np.stack(shares, axis=1) / ranges_NP.shape[1] + _LEAST_SHARE))
    missing = [(0, 0), (0, max(0, _LEAST_SIZE - height)), (0, max(0, _LEAST_SIZE - width))]
    level_NHW = np.pad(grey_NHW / 255, missing, "edge")
    columns.append(np.stack([b.mean((1, 2)) for b in np.array_split(level_NHW, _ROW_BANDS, axis=1)], axis=1))
    for _ in range(_SCALES):
        level_NHW, energies_NE = _halved(level_NHW)
        columns.append(np.log(energies_NE + _LEAST_ENERGY))
    return np.concatenate(columns, axis=1, dtype=np.float64)


def _halved(level_NHW: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.floating]]:
    """Return images of half the size, and the mean energies of their edges in three directions."""
    even = level_NHW[:, : level_NHW.shape[1] // 2 * 2, : level_NHW.shape[2] // 2 * 2]
    sums = even[:, :, ::2] + even[:, :, 1::2]
    differences = even[:, :, ::2] - even[:, :, 1::2]
    edges = (
        differences[:, ::2] + differences[:, 1::2],
        sums[:, ::2] - sums[:, 1::2],
        differences[:, ::2] - differences[:, 1::2],
    )
    energies = [np.einsum("nhw,nhw->n", edge, edge) / np.float32(4 * edge[0].size) for edge in edges]
    halved_NHW = ((sums[:, ::2] + sums[:, 1::2]) / 4).astype(np.float32, copy=False)
    return halved_NHW, np.stack(energies, axis=1)
