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
    """Return the output of a batch norm whose statistics in training are those of the valid columns.

    A synchronised norm has those of all processes. The formulas are those of Ioffe & Szegedy 2015.
    """
    normalised_NCHW: Tensor
    if not (norm.training or norm.running_mean is None):
        normalised_NCHW = norm(feats_NCHW)  # one factor and one term for each channel
        return normalised_NCHW
    # Not by differentiable operations: they would keep several copies of the input for the backward pass.
    normalised_NCHW, mean_C, var_C, count = _Normalise.apply(  # type: ignore[no-untyped-call]
        feats_NCHW, widths_N, norm.weight, norm.bias, norm.eps, _is_synchronised(norm)
    )
    update_statistics(norm, mean_C, var_C, count)
    return normalised_NCHW


def update_statistics(norm: _BatchNorm, mean_C: Tensor, var_C: Tensor, count: Tensor) -> None:
    """Update the running statistics of a batch norm, if it has some.

    Args:
        norm: the batch norm.
        mean_C: mean of each channel.
        var_C: variance of each channel, without Bessel's correction.
        count: number of values of a channel.
    """
    if norm.running_mean is None or norm.running_var is None:
        return
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


class _Normalise(torch.autograd.Function):
    """Normalisation by mean and variance of the valid columns, with at most one all-reduce in each pass."""

    # Most of the work is done by torch's fused kernels, each in one or two passes over the values.

    @staticmethod
    def forward(
        ctx: Any,
        input_NCHW: Tensor,
        widths_N: Tensor,
        weight_C: Tensor | None,
        bias_C: Tensor | None,
        eps: float,
        synchronised: bool,
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        valid_N11W = valid_columns(input_NCHW, widths_N).to(input_NCHW.dtype)
        kept_NCHW = input_NCHW * valid_N11W
        size, height = input_NCHW.numel() // input_NCHW.shape[1], input_NCHW.shape[2]
        # On a CPU the statistics have the dtype of the weight, or of the input if there is none: 8 bits of
        # bfloat16 are too few. On a GPU they are float32 either way.
        one_C = zero_C = None
        if input_NCHW.device.type == "cpu" and input_NCHW.dtype.itemsize < 4:
            one_C = torch.ones(input_NCHW.shape[1])
            zero_C = torch.zeros_like(one_C)
        _, mean_C, scale_C = torch.native_batch_norm(kept_NCHW, one_C, zero_C, None, None, True, 0.0, eps)
        # In float64, since subtracting the squared mean from the mean of squares cancels digits. The sums of
        # the valid values are those of all, because the others are 0.
        mean_C, var_C = mean_C.double(), scale_C.double() ** -2 - eps
        count = (widths_N.clamp(max=input_NCHW.shape[3]).sum() * height).double().view(1)
        sums = torch.cat([mean_C * size, (var_C + mean_C**2) * size, count])
        if synchronised:
            distributed.all_reduce(sums)
        # Images without a valid column have no values.
        total = sums[-1].clamp(min=1)
        mean_C, squares_C = (sums[:-1] / total).chunk(2)
        var_C = (squares_C - mean_C**2).clamp(min=0)
        dtype = torch.promote_types(input_NCHW.dtype, torch.float32)
        mean_C, var_C = mean_C.to(dtype), var_C.to(dtype)
        ctx.save_for_backward(kept_NCHW, valid_N11W, weight_C, mean_C, var_C, total)
        ctx.eps, ctx.synchronised = eps, synchronised
        ctx.mark_non_differentiable(mean_C, var_C, total)
        normalised_NCHW = F.batch_norm(kept_NCHW, mean_C, var_C, weight_C, bias_C, False, 0.0, eps)
        return normalised_NCHW, mean_C, var_C, total

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> tuple[Tensor | None, ...]:
        kept_NCHW, valid_N11W, weight_C, mean_C, var_C, total = ctx.saved_tensors
        scale_C = torch.rsqrt(var_C.double() + ctx.eps)
        # As if mean and variance were constant; what they contribute follows. They are given as saved ones
        # too, without which torch's kernel of CUDA for channels-last features fails.
        of_input_NCHW, of_weight_C, of_bias_C = torch.ops.aten.native_batch_norm_backward(
            gradients[0] * valid_N11W,
            kept_NCHW,
            torch.ones_like(mean_C) if weight_C is None else weight_C,
            mean_C, var_C, mean_C, scale_C.to(mean_C.dtype), False, ctx.eps, [True, True, True],
        )  # fmt: skip
        # Each image changes the mean and variance of all images, so the sums run over all processes. The
        # gradients of weight and bias are averaged later, with those of the other parameters.
        sums = torch.cat([of_bias_C, of_weight_C]).double()
        if ctx.synchronised:
            distributed.all_reduce(sums)
        along_C, across_C = (sums / total).chunk(2)
        factor_C = scale_C if weight_C is None else scale_C * weight_C
        slope_C = -factor_C * across_C * scale_C
        constant_C = -factor_C * along_C - slope_C * mean_C
        dtype = kept_NCHW.dtype
        of_input_NCHW.addcmul_(kept_NCHW, slope_C.to(dtype)[:, None, None])
        shift_NC1W = constant_C.to(dtype)[:, None, None] * valid_N11W
        if of_input_NCHW.is_contiguous(memory_format=torch.channels_last):
            # In the same order in memory: on a CPU a sum of two orders takes 3 to 10 times as long.
            shift_NC1W = shift_NC1W.contiguous(memory_format=torch.channels_last)
        of_input_NCHW += shift_NC1W
        return of_input_NCHW, None, None if weight_C is None else of_weight_C, of_bias_C, None, None


def _is_synchronised(norm: _BatchNorm) -> bool:
    """Return whether the statistics of a batch norm are those of all processes that train together.

    In evaluation mode they are not, as in torch: one process alone validates.
    """
    return norm.training and (
        isinstance(norm, nn.SyncBatchNorm) or getattr(norm, "is_synchronised", False) is True
    )
