"""Normalisation over the valid columns of padded images, with the layers and buffers of torch.

Shape letters: N batch, C channels, H height, W width, G groups.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, distributed, nn
from torch.nn import functional as F
from torch.nn.modules.batchnorm import _BatchNorm

from ctcbench.masking.valid_columns import valid_columns


def masked_batch_norm(norm: _BatchNorm, feats_NCHW: Tensor, widths_N: Tensor) -> Tensor:
    """Return the output of a batch norm whose statistics in training are those of the valid columns."""
    if not (norm.training or norm.running_mean is None):
        normalised_NCHW: Tensor = norm(feats_NCHW)  # one factor and one term for each channel
        return normalised_NCHW
    return normalise_batch(norm, feats_NCHW, valid_columns(feats_NCHW, widths_N), _is_synchronised(norm))


def masked_group_norm(norm: nn.GroupNorm, feats_NCHW: Tensor, widths_N: Tensor) -> Tensor:
    """Return the output of a group norm whose statistics are those of the valid columns of each image."""
    valid_N11W = valid_columns(feats_NCHW, widths_N)
    grouped_NGCHW = feats_NCHW.float().unflatten(1, (norm.num_groups, norm.num_channels // norm.num_groups))
    valid_N111W, over = valid_N11W[:, None], (2, 3, 4)
    # At least 1: an image without a valid column has no statistics.
    each = grouped_NGCHW.shape[2] * grouped_NGCHW.shape[3]
    count_N = (widths_N.clamp(max=feats_NCHW.shape[3]) * each).clamp(min=1).view(-1, 1, 1, 1, 1)
    mean = grouped_NGCHW.masked_fill(~valid_N111W, 0).sum(over, keepdim=True) / count_N
    centred_NGCHW = (grouped_NGCHW - mean).masked_fill(~valid_N111W, 0)
    variance = centred_NGCHW.square().sum(over, keepdim=True) / count_N
    normalised_NCHW: Tensor = (centred_NGCHW * torch.rsqrt(variance + norm.eps)).flatten(1, 2)
    if norm.affine:
        normalised_NCHW = torch.addcmul(norm.bias[:, None, None], normalised_NCHW, norm.weight[:, None, None])
    return normalised_NCHW.to(feats_NCHW.dtype)


def normalise_batch(norm: _BatchNorm, input: Tensor, valid: Tensor | None, synchronised: bool) -> Tensor:
    """Return the input (N, C, …) normalised as in training, and update the running statistics of `norm`.

    The formulas are those of Ioffe & Szegedy 2015.

    Args:
        norm: the batch norm.
        input: the values.
        valid: which values count, of a shape that broadcasts to that of `input`; None: all.
        synchronised: whether mean and variance are those of the values of all processes.
    """
    normalised, mean_C, var_C, count = _Normalise.apply(  # type: ignore[no-untyped-call]
        input, valid, norm.weight, norm.bias, norm.eps, synchronised
    )
    if norm.running_mean is not None and norm.running_var is not None:
        assert norm.num_batches_tracked is not None
        norm.num_batches_tracked.add_(1)
        unbiased_C = var_C * (count / (count - 1).clamp(min=1))
        if norm.momentum is None:
            # Without a momentum torch's running statistics are plain means over the batches so far.
            share = 1 / norm.num_batches_tracked.float()
            norm.running_mean.lerp_(mean_C, share)
            norm.running_var.lerp_(unbiased_C, share)
        else:
            norm.running_mean.mul_(1 - norm.momentum).add_(mean_C, alpha=norm.momentum)
            norm.running_var.mul_(1 - norm.momentum).add_(unbiased_C, alpha=norm.momentum)
    return normalised  # type: ignore[no-any-return]


class _Normalise(torch.autograd.Function):
    """Normalisation by mean and variance of the valid values, with at most one all-reduce in each pass."""

    # Not by differentiable operations: they would keep several copies of the input for the backward pass.

    @staticmethod
    def forward(
        ctx: Any,
        input: Tensor,
        valid: Tensor | None,
        weight_C: Tensor | None,
        bias_C: Tensor | None,
        eps: float,
        synchronised: bool,
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        over, size = _all_but_channels(input), input.numel() // input.shape[1]
        kept = input if valid is None else input.masked_fill(~valid, 0)
        var_C, mean_C = torch.var_mean(kept.float(), over, correction=0)
        # In float64, since subtracting the squared mean from the mean of squares cancels digits. The sums of
        # the valid values are those of all, because the others are 0.
        mean_C, var_C = mean_C.double(), var_C.double()
        count = mean_C.new_full((1,), size) if valid is None else _count(valid, size).double()
        sums = torch.cat([mean_C * size, (var_C + mean_C**2) * size, count])
        if synchronised:
            distributed.all_reduce(sums)
        if valid is None and sums[-1] <= 1:
            raise ValueError("batch norm of one value per channel: expected more than one in training")
        total = sums[-1].clamp(min=1)
        mean_C, squares_C = (sums[:-1] / total).chunk(2)
        var_C = (squares_C - mean_C**2).clamp(min=0)
        mean_C, var_C = mean_C.float(), var_C.float()
        ctx.save_for_backward(input, valid, weight_C, mean_C, torch.rsqrt(var_C + eps), total)
        ctx.synchronised = synchronised
        ctx.mark_non_differentiable(mean_C, var_C, total)
        normalised = F.batch_norm(input, mean_C, var_C, weight_C, bias_C, False, 0.0, eps)
        return normalised, mean_C, var_C, total

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> tuple[Tensor | None, ...]:
        input, valid, weight_C, mean_C, scale_C, total = ctx.saved_tensors
        over = _all_but_channels(input)
        shape = [1, -1] + [1] * (input.ndim - 2)
        gradient = gradients[0].float()
        if valid is not None:
            gradient = gradient.masked_fill(~valid, 0)
        centred = input.float() - mean_C.view(shape)
        along_C, across_C = gradient.sum(over), (gradient * centred).sum(over)
        of_weight_C = (across_C * scale_C) if ctx.needs_input_grad[2] else None
        of_bias_C = along_C if ctx.needs_input_grad[3] else None
        if not ctx.needs_input_grad[0]:
            return None, None, of_weight_C, of_bias_C, None, None
        # Each image changes the mean and variance of all images, so the sums run over all processes. The
        # gradients of weight and bias are averaged later, with those of the other parameters.
        sums = torch.cat([along_C, across_C]).double()
        if ctx.synchronised:
            distributed.all_reduce(sums)
        along_C, across_C = (sums / total).float().chunk(2)
        factor_C = scale_C if weight_C is None else scale_C * weight_C
        of_input = gradient - along_C.view(shape) - centred * (across_C * scale_C**2).view(shape)
        if valid is not None:
            of_input = of_input.masked_fill(~valid, 0)
        return (of_input * factor_C.view(shape)).to(input.dtype), None, of_weight_C, of_bias_C, None, None


def _count(valid: Tensor, size: int) -> Tensor:
    """Return the number of valid values per channel, a tensor of one element, of `size` values."""
    return (valid.sum() * (size // valid.numel())).view(1)


def _all_but_channels(input: Tensor) -> list[int]:
    return [0, *range(2, input.ndim)]


def _is_synchronised(norm: _BatchNorm) -> bool:
    """Return whether the statistics of a batch norm are those of all processes that train together."""
    return isinstance(norm, nn.SyncBatchNorm) or getattr(norm, "is_synchronised", False) is True
