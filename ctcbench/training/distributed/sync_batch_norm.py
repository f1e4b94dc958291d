"""SynchronisedBatchNorm: batch norm over the images of all processes, for CPUs.

torch's SyncBatchNorm supports GPUs only. The formulas are those of Ioffe & Szegedy 2015, with mean and
variance over the whole batch, whose shards may differ in size. Shape letters: N batch, C channels.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, distributed, nn
from torch.nn import functional as F
from torch.nn.modules.batchnorm import _BatchNorm

from ctcbench.masking.masked_norms import update_statistics


class SynchronisedBatchNorm(_BatchNorm):
    """Batch norm of any number of dimensions, with the result of one process that has the whole batch."""

    is_synchronised = True  # for the masked norm of padded images

    def _check_input_dim(self, input: Tensor) -> None:
        if input.ndim < 2:
            raise ValueError(f"expected (N, C, …), got {tuple(input.shape)}")

    def forward(self, input: Tensor) -> Tensor:
        """Return the normalised input (N, C, …). In evaluation mode the processes do not communicate."""
        if not self.training:
            return super().forward(input)
        self._check_input_dim(input)
        normalised, mean_C, var_C, count = _Normalise.apply(  # type: ignore[no-untyped-call]
            input, self.weight, self.bias, self.eps
        )
        update_statistics(self, mean_C, var_C, count)
        return normalised  # type: ignore[no-any-return]


class _Normalise(torch.autograd.Function):
    """Normalisation by mean and variance over all processes, with one all-reduce in each pass."""

    @staticmethod
    def forward(
        ctx: Any, input: Tensor, weight_C: Tensor | None, bias_C: Tensor | None, eps: float
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        over = _all_but_channels(input)
        count = input.numel() // input.shape[1]
        var_C, mean_C = torch.var_mean(input.float(), over, correction=0)
        # In float64, since subtracting the squared mean from the mean of squares cancels digits.
        mean_C, var_C = mean_C.double(), var_C.double()
        sums = torch.cat([mean_C * count, (var_C + mean_C**2) * count, mean_C.new_tensor([count])])
        distributed.all_reduce(sums)
        total = sums[-1]
        if total <= 1:
            raise ValueError("batch norm of one value per channel: expected more than one in training")
        mean_C, squares_C = (sums[:-1] / total).chunk(2)
        var_C = (squares_C - mean_C**2).clamp(min=0)
        mean_C, var_C = mean_C.float(), var_C.float()
        ctx.save_for_backward(input, weight_C, mean_C, torch.rsqrt(var_C + eps), total)
        ctx.mark_non_differentiable(mean_C, var_C, total)
        normalised = F.batch_norm(input, mean_C, var_C, weight_C, bias_C, False, 0.0, eps)
        return normalised, mean_C, var_C, total

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> tuple[Tensor | None, Tensor | None, Tensor | None, None]:
        input, weight_C, mean_C, scale_C, total = ctx.saved_tensors
        over = _all_but_channels(input)
        shape = [1, -1] + [1] * (input.ndim - 2)
        gradient = gradients[0].float()
        centred = input.float() - mean_C.view(shape)
        along_C, across_C = gradient.sum(over), (gradient * centred).sum(over)
        of_weight_C = (across_C * scale_C) if ctx.needs_input_grad[1] else None
        of_bias_C = along_C if ctx.needs_input_grad[2] else None
        if not ctx.needs_input_grad[0]:
            return None, of_weight_C, of_bias_C, None
        # Each image changes the mean and variance of all images, so the sums run over all processes. The
        # gradients of weight and bias are averaged later, with those of the other parameters.
        sums = torch.cat([along_C, across_C]).double()
        distributed.all_reduce(sums)
        along_C, across_C = (sums / total).float().chunk(2)
        factor_C = scale_C if weight_C is None else scale_C * weight_C
        of_input = gradient - along_C.view(shape) - centred * (across_C * scale_C**2).view(shape)
        return (of_input * factor_C.view(shape)).to(input.dtype), of_weight_C, of_bias_C, None


def _all_but_channels(input: Tensor) -> list[int]:
    return [0, *range(2, input.ndim)]


def synchronise(module: nn.Module) -> nn.Module:
    """Return `module` with its batch norms replaced by synchronised ones that have the same parameters."""
    return _replace(module, {})


def _replace(module: nn.Module, done: dict[nn.Module, nn.Module]) -> nn.Module:
    # A module that occurs twice must remain one module.
    if module not in done:
        done[module] = new = _converted(module) if isinstance(module, _BatchNorm) else module
        if new is module:
            for name, child in module._modules.items():
                if child is not None:
                    module._modules[name] = _replace(child, done)
    return done[module]


def _converted(norm: _BatchNorm) -> SynchronisedBatchNorm:
    new = SynchronisedBatchNorm(
        norm.num_features, norm.eps, norm.momentum, norm.affine, norm.track_running_stats
    )
    new.weight, new.bias = norm.weight, norm.bias
    new.running_mean, new.running_var = norm.running_mean, norm.running_var
    new.num_batches_tracked = norm.num_batches_tracked
    return new.train(norm.training)
