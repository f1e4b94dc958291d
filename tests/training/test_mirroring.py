"""Mirrored images: the columns before the padding are reversed, the padding stays."""

from __future__ import annotations

import torch

from ctcbench.training.mirroring import mirror_columns


def test_columns_before_the_padding_are_reversed():
    images_NCHW = torch.arange(2 * 3 * 4 * 5, dtype=torch.uint8).reshape(2, 3, 4, 5)
    whole = mirror_columns(images_NCHW, torch.tensor([5, 5]))
    assert torch.equal(whole, images_NCHW.flip(3))
    part = mirror_columns(images_NCHW, torch.tensor([3, 1]))
    assert part.dtype == torch.uint8
    assert torch.equal(part[0, :, :, :3], images_NCHW[0, :, :, :3].flip(2))
    assert torch.equal(part[0, :, :, 3:], images_NCHW[0, :, :, 3:])
    assert torch.equal(part[1], images_NCHW[1])
    assert torch.equal(mirror_columns(part, torch.tensor([3, 1])), images_NCHW)
