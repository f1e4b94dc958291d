"""The images of a split: where each sample's are, and their copies on a device."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ctcbench.contract.data import Images
from ctcbench.contract.ragged_images import RaggedImages
from ctcbench.contract.repeated_images import RepeatedImages
from ctcbench.training.ragged_tensor import RaggedTensor

IMAGES_PER_COPY = 4096

HostImages: TypeAlias = NDArray[np.uint8] | RaggedImages


def host_images(
    images_NCHW: Images, kept_N: NDArray[np.int64] | None
) -> tuple[HostImages, NDArray[np.integer] | None]:
    """Return the images as they are stored, and the row of each sample of a split in them.

    Args:
        images_NCHW: images of samples, uint8.
        kept_N: indices of the samples that the split has; None: all.

    Returns:
        The rows are None if sample i is in row i.
    """
    if not isinstance(images_NCHW, RepeatedImages):
        return images_NCHW, kept_N
    return images_NCHW.stored, images_NCHW.rows_N if kept_N is None else images_NCHW.rows_N[kept_N]


def device_images(
    images_NCHW: Images, kept_N: NDArray[np.int64] | None, device: torch.device, *, drawn: bool = True
) -> tuple[Tensor | RaggedTensor, Tensor | None]:
    """Copy the images that the samples of a split have, each once; return what `host_images` does.

    Args:
        images_NCHW: images of samples, uint8.
        kept_N: indices of the samples that the split has; None: all.
        device: where the copies and the rows are.
        drawn: whether the images are drawn; if not, the copies are left empty, which those of different
            widths can't be.
    """
    stored_NCHW, rows_N = host_images(images_NCHW, kept_N)
    if rows_N is None or not isinstance(images_NCHW, RepeatedImages):
        return _copies(stored_NCHW, rows_N, device, drawn=drawn), None
    used_M, places_N = np.unique(rows_N, return_inverse=True)
    return _copies(stored_NCHW, used_M, device, drawn=drawn), torch.from_numpy(places_N).to(device)


def _copies(
    images_NCHW: HostImages, rows_M: NDArray[np.integer] | None, device: torch.device, *, drawn: bool
) -> Tensor | RaggedTensor:
    """Return the images in some rows (None: all) on a device, in this order."""
    if isinstance(images_NCHW, RaggedImages):
        return RaggedTensor(images_NCHW, device, rows_M)
    if rows_M is None:
        rows_M = np.arange(len(images_NCHW))
    shape = (len(rows_M), *images_NCHW.shape[1:])
    copies_NCHW = torch.empty(shape, dtype=torch.uint8, device=device)
    # In parts, so that the host never holds a second copy of all images.
    for start in range(0, len(rows_M) if drawn else 0, IMAGES_PER_COPY):
        part = images_NCHW[rows_M[start : start + IMAGES_PER_COPY]]
        copies_NCHW[start : start + len(part)] = torch.from_numpy(part)
    return copies_NCHW
