"""Columns of a padded batch that belong to the images, and how layers change their number.

Shape letters: N batch, F features, H height, W width. ``widths_N`` (int64) is on the device of the features;
nothing here reads its values on the host, so that a CUDA graph can contain it.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


def valid_columns(feats_NFHW: Tensor, widths_N: Tensor) -> Tensor:
    """Return mask_N11W: True for the first ``widths_N`` columns of each image."""
    column_W = torch.arange(feats_NFHW.shape[3], device=feats_NFHW.device)
    return column_W < widths_N[:, None, None, None]


def clear_padding(feats_NFHW: Tensor, widths_N: Tensor) -> Tensor:
    """Return the features with zeros in the columns that are padding, which must be finite."""
    # One pass over the features; masked_fill() has two.
    return feats_NFHW * valid_columns(feats_NFHW, widths_N).to(feats_NFHW.dtype)


def fill_padding(feats_NFHW: Tensor, widths_N: Tensor, value: float) -> Tensor:
    """Return the features with `value` in the columns that are padding."""
    return feats_NFHW.masked_fill(~valid_columns(feats_NFHW, widths_N), value)


def convolved_widths(layer: nn.Conv2d, widths_N: Tensor) -> Tensor:
    """Return the number of columns that a convolution makes of each image."""
    kernel, stride, dilation = layer.kernel_size[1], layer.stride[1], layer.dilation[1]
    if isinstance(layer.padding, str):
        padding = dilation * (kernel - 1) if layer.padding == "same" else 0
    else:
        padding = 2 * layer.padding[1]
    return _widths_after(widths_N, kernel, stride, dilation, padding)


def pooled_widths(layer: nn.MaxPool2d | nn.AvgPool2d, widths_N: Tensor) -> Tensor:
    """Return the number of columns that pooling makes of each image."""
    kernel, stride, padding = (along_width(size) for size in (layer.kernel_size, layer.stride, layer.padding))
    return _widths_after(widths_N, kernel, stride, along_width(getattr(layer, "dilation", 1)), 2 * padding)


def along_width(size: int | tuple[int, ...]) -> int:
    """Return the part of a layer's size that is along the width."""
    return size if isinstance(size, int) else size[1]


def _widths_after(widths_N: Tensor, kernel: int, stride: int, dilation: int, padding: int) -> Tensor:
    # The formula of torch.nn.Conv2d. An image that is narrower than the kernel has no column left.
    reach = dilation * (kernel - 1) + 1
    return (torch.div(widths_N + padding - reach, stride, rounding_mode="floor") + 1).clamp(min=0)
