"""mirror_columns() and mirror_padded_columns(): images as a recogniser of right-to-left text sees them."""

from __future__ import annotations

import torch
from torch import Tensor


def mirror_columns(images_NCHW: Tensor, widths_N: Tensor) -> Tensor:
    """Return images with the columns before their padding in reverse order; the padding stays on the right.

    The first frames of a mirrored image are of its right end, where a right-to-left text begins.

    Args:
        images_NCHW: the images.
        widths_N: number of columns of each image that are not padding, int64, on the CPU.
    """
    # The usual case, without padding, needs no index of the size of the images.
    if bool((widths_N == images_NCHW.shape[3]).all()):
        return images_NCHW.flip(3)
    return mirror_padded_columns(images_NCHW, widths_N)


def mirror_padded_columns(images_NCHW: Tensor, widths_N: Tensor) -> Tensor:
    """Return the same as `mirror_columns`; no value is read on the host, and `widths_N` may be on a GPU."""
    column_W = torch.arange(images_NCHW.shape[3], device=widths_N.device)
    width_N1 = widths_N[:, None]
    source_NW = torch.where(column_W < width_N1, width_N1 - 1 - column_W, column_W)
    # Only this small index goes to the device of the images; the widths stay where the CTC loss needs them.
    source_NW = source_NW.to(images_NCHW.device, non_blocking=True)
    return images_NCHW.gather(3, source_NW[:, None, None, :].expand_as(images_NCHW))
