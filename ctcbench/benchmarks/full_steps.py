"""full_steps(): the steps of a training whose batches are full, which are those that a benchmark measures."""

from __future__ import annotations

import numpy as np

from ctcbench.config.run_config import RunConfig
from ctcbench.contract.errors import UsageError
from ctcbench.training.split import Split, plan_at, plan_of, steps_per_epoch


def full_steps(part: Split, config: RunConfig, count: int) -> list[int]:
    """Return the numbers of the first `count` steps with full batches; the last of an epoch may be smaller.

    Raises:
        UsageError: no batch is full, because few images have the same width.
    """
    if part.buckets and all(size < config.batch_size for size in part.buckets.sizes()):
        raise UsageError(
            f"no {config.batch_size} images have the same width; use a smaller --batch-size, or a backbone "
            f"and a head that mask padding"
        )
    numbers: list[int] = []
    per_epoch, epoch = steps_per_epoch(part, config), 0
    while len(numbers) < count:
        plan = plan_of(part, config, epoch)
        full = np.flatnonzero(np.diff(plan.starts_B) == config.batch_size)
        numbers += [epoch * per_epoch + int(number) for number in full]
        epoch += 1
    return numbers[:count]


def width_of(part: Split, number: int, config: RunConfig) -> int:
    """Return the width of the images of step `number` with their padding; 0: that of all images."""
    plan, within = plan_at(part, number, config)
    return plan.width(within)
