"""StepMetrics: the metrics of a training step, and their average over processes."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ctcbench.training.distributed.process_group import ProcessGroup


@dataclass(frozen=True)
class StepMetrics:
    """Metrics of a step, as scalar tensors on the device: copying them to the host would wait for the step.

    Attributes:
        loss: mean loss in nats per image.
        all_blank: whether the best path of every image is empty.
        grad_norm: norm of the gradient before clipping.
    """

    loss: Tensor
    all_blank: Tensor
    grad_norm: Tensor


def average_over_processes(group: ProcessGroup, own: StepMetrics, weight: float) -> StepMetrics:
    """Return the metrics of the whole batch from those of this process's shard."""
    # The gradient, and so its norm, is averaged over the processes already.
    if group.world_size == 1:
        return own
    mean = group.all_reduce_mean(torch.stack([own.loss * weight, 1 - own.all_blank.float()]))
    return StepMetrics(mean[0], mean[1] == 0, own.grad_norm)
