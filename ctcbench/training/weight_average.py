"""update_average(): one step of the exponential moving average of the weights."""

from __future__ import annotations

import itertools

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel


@torch.no_grad()
def update_average(average: AveragedModel, model: nn.Module, decay: float, *, is_first: bool) -> None:
    """Update parameters and buffers: new = decay · old + (1 − decay) · current; the first time, copy them.

    The result is that of `AveragedModel.update_parameters`, bit for bit. That method reads the number of
    updates from its tensor, which a GPU would have to wait for and a CUDA graph can't do.
    """
    old = [*average.module.parameters(), *average.module.buffers()]
    current = [*itertools.chain(model.parameters(), model.buffers())]
    average.n_averaged.add_(1)
    if is_first:
        torch._foreach_copy_(old, current)
        return
    floats: tuple[list[Tensor], list[Tensor]] = ([], [])
    for mine, other in zip(old, current, strict=True):
        if mine.is_floating_point():
            floats[0].append(mine)
            floats[1].append(other)
        else:  # batch norm's number of batches
            mine.copy_(mine * decay + other * (1 - decay))
    torch._foreach_lerp_(floats[0], floats[1], 1 - decay)
