"""SynchronisedBatchNorm: batch norm over the images of all processes, for CPUs.

torch's SyncBatchNorm supports GPUs only. Mean and variance are those of the whole batch, whose shards may
differ in size. Shape letters: N batch, C channels.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from ctcbench.masking.masked_norms import normalise_batch


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
        return normalise_batch(self, input, None, synchronised=True)


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
