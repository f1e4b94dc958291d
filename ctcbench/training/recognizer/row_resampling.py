"""Weights of a network for images of another height: the rows of its features are resampled.

Shape letters: F features of a row, H rows of the other run, R rows of this one.
"""

from __future__ import annotations

import torch
from torch import Tensor


def resample_rows(stored: Tensor, shape: tuple[int, ...], channels: int, rows: int) -> Tensor | None:
    """Return weights over the features of a backbone for another number of rows.

    A feature is a channel at a row (`fold`), so a matrix over the features has channels × rows columns. Each
    new row gets the weights of the old rows that it covers, in proportion: if both runs show the same text,
    scaled to their heights, the products with the features are nearly the same. Of a vector over the
    features, such as the factors of a layer norm, each new row has the mean of these.

    Args:
        stored: the weights of the other run.
        shape: what they should have here.
        channels: of the backbone's features.
        rows: of its features here.

    Returns:
        The weights in that shape; None if they differ in more than the number of rows of the last dimension.
    """
    features = channels * rows
    if not shape or stored.ndim != len(shape) or not stored.is_floating_point():
        return None
    if shape[-1] != features or tuple(stored.shape[:-1]) != shape[:-1]:
        return None
    rows_there, rest = divmod(stored.shape[-1], channels)
    if rest or not rows_there:
        return None
    shares_RH = _shares(rows, rows_there, stored.dtype)
    if stored.ndim == 1:
        shares_RH /= shares_RH.sum(1, keepdim=True)
    fitted: Tensor = (stored.unflatten(-1, (channels, rows_there)) @ shares_RH.T).flatten(-2)
    return fitted


def _shares(rows: int, rows_there: int, dtype: torch.dtype) -> Tensor:
    """Return the share of each old row that each new row covers, of shape (R, H); a column adds up to 1."""
    edges = torch.arange(rows + 1, dtype=torch.float64) * rows_there / rows
    old = torch.arange(rows_there, dtype=torch.float64)
    ends = torch.minimum(edges[1:, None], old + 1)
    return (ends - torch.maximum(edges[:-1, None], old)).clamp(min=0).to(dtype)
