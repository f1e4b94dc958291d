"""RaggedTensor: images of different widths on a device, whose batches are gathered there."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ctcbench.contract.ragged_images import RaggedImages
from ctcbench.files.pixel_levels import WHITE

_IMAGES_PER_COPY = 4096


class RaggedTensor:
    """The pixels of images of different widths as one tensor on a device, without padding."""

    def __init__(
        self, images: RaggedImages, device: torch.device, kept_N: NDArray[np.integer] | None = None
    ) -> None:
        """Copy the images at the indices `kept_N` (None: all) to `device`."""
        rows_N = np.arange(len(images)) if kept_N is None else kept_N
        widths_N = images.widths_N[rows_N].astype(np.int64)
        self._channels, self._height = images.channels, images.height
        ends_N = np.cumsum(widths_N) * (images.channels * images.height)
        self._pixels = torch.empty(int(ends_N[-1]), dtype=torch.uint8, device=device)
        self._widths_N = torch.from_numpy(widths_N).to(device)
        self._offsets_N = torch.from_numpy(np.concatenate([[0], ends_N[:-1]])).to(device)
        # In parts, so that the host never holds a second copy of all images.
        for start in range(0, len(rows_N), _IMAGES_PER_COPY):
            some_N = rows_N[start : start + _IMAGES_PER_COPY]
            part = np.concatenate([images[int(row)].ravel() for row in some_N])
            begin = int(ends_N[start - 1]) if start else 0
            self._pixels[begin : begin + len(part)] = torch.from_numpy(part)

    def padded(self, indices_N: Tensor, width: int) -> Tensor:
        """Return the images at `indices_N` (int64, on the device), (N, C, H, width), white on their right.

        No value is read on the host, so that a CUDA graph can contain it.
        """
        device = self._pixels.device
        row_R1 = torch.arange(self._channels * self._height, device=device)[:, None]
        column_W = torch.arange(width, device=device)
        width_N11 = self._widths_N[indices_N][:, None, None]
        # A column of the padding reads the last one of its row, which is replaced.
        place_NRW = (
            self._offsets_N[indices_N][:, None, None]
            + row_R1 * width_N11
            + torch.minimum(column_W, width_N11 - 1)
        )
        images_NRW = self._pixels[place_NRW].masked_fill(column_W >= width_N11, WHITE)
        images_NCHW: Tensor = images_NRW.unflatten(1, (self._channels, self._height))
        return images_NCHW
