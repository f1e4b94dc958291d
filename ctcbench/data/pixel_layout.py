"""PixelLayout: how the pixels of a set's samples lie in its file ``images.npy``."""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ctcbench.contract.data import Images
from ctcbench.contract.ragged_images import RaggedImages
from ctcbench.contract.repeated_images import RepeatedImages

_CHUNK = 1 << 20  # bytes read at a time: the images are never all in this process's memory


@dataclass(frozen=True, eq=False)
class PixelLayout:
    """The rows of the images of N samples, and what each of the M rows holds.

    Attributes:
        shape: of an image, (C, H, W); W is the greatest width.
        variable: whether images have as many columns as they are wide, one after the other without padding;
            else all have W.
        widths_N: int32, the number of valid columns of each sample's image.
        rows_N: int32, the row of each sample, where the first samples have the first rows; None: sample i is
            in row i.
    """

    shape: tuple[int, int, int]
    variable: bool
    widths_N: NDArray[np.int32]
    rows_N: NDArray[np.int32] | None = None

    @property
    def array_shape(self) -> tuple[int, ...]:
        """The shape of the array in the file."""
        return (int(self._stored_bytes.sum()),) if self.variable else (len(self._stored_widths), *self.shape)

    @property
    def size(self) -> int:
        """The size of the pixels in bytes."""
        return int(self._stored_bytes.sum())

    def first(self, count: int) -> PixelLayout:
        """Return the layout of the first `count` samples, whose pixels are the first in the file."""
        rows_N = None if self.rows_N is None else self.rows_N[:count]
        return PixelLayout(self.shape, self.variable, self.widths_N[:count], rows_N)

    def images(self, array: NDArray[np.uint8]) -> Images:
        """Return the images of the samples, from the array in the file or more of such."""
        stored: NDArray[np.uint8] | RaggedImages = array[: self.array_shape[0]]
        if self.variable:
            stored = RaggedImages(array[: self.size], self._stored_widths, *self.shape[:2])
        return stored if self.rows_N is None else RepeatedImages(stored, self.rows_N)

    def read(self, path: Path, offset: int) -> Iterator[bytes]:
        """Yield the pixels of all samples in their order, those of a row again for each sample that has it.

        `offset` is where the pixels begin in the file, in bytes.
        """
        if self.rows_N is not None:
            yield from self._read_rows(path, offset)
            return
        size = self.size
        with path.open("rb") as file:
            file.seek(offset)
            while size and (chunk := file.read(min(size, _CHUNK))):
                size -= len(chunk)
                yield chunk

    def _read_rows(self, path: Path, offset: int) -> Iterator[bytes]:
        assert self.rows_N is not None
        stops_M = offset + np.cumsum(self._stored_bytes)
        starts, stops = (stops_M - self._stored_bytes).tolist(), stops_M.tolist()
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as pixels:
            for row in self.rows_N.data:
                yield pixels[starts[row] : stops[row]]

    @cached_property
    def _stored_widths(self) -> NDArray[np.int32]:
        """The width of the image in each row."""
        if self.rows_N is None:
            return self.widths_N
        widths_M = np.zeros(int(self.rows_N.max(initial=-1)) + 1, np.int32)
        widths_M[self.rows_N] = self.widths_N
        return widths_M

    @property
    def _stored_bytes(self) -> NDArray[np.int64]:
        """The size of the pixels in each row in bytes."""
        channels, height, width = self.shape
        columns_M = self._stored_widths if self.variable else np.full(len(self._stored_widths), width)
        return columns_M.astype(np.int64) * (channels * height)


def are_rows(rows_N: NDArray[np.int32], count: int) -> bool:
    """Return whether `rows_N` are those of `count` images, in the order in which samples use them first."""
    newest_N = np.maximum.accumulate(np.concatenate([[-1], rows_N]))
    return bool((rows_N >= 0).all() and (np.diff(newest_N) <= 1).all() and newest_N[-1] == count - 1)
