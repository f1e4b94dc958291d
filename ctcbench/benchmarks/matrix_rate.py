"""What this device does at most: the rate of a large matrix product in the precision of a training."""

from __future__ import annotations

import time

import torch

from ctcbench.training.device import Compute

# Large enough that a product is bound by arithmetic, small enough for a fraction of a second on a laptop.
_SIZES = {"cpu": 1536, "cuda": 8192}
_ROUNDS = 7


def matrix_rate(compute: Compute) -> float:
    """Return floating-point operations a second, the best of some rounds; a multiply-add is two."""
    size = _SIZES[compute.device.type]
    left, right = (
        torch.randn(size, size, device=compute.device, dtype=compute.amp_dtype or torch.float32)
        for _ in range(2)
    )
    seconds = []
    for _ in range(_ROUNDS + 1):  # the first one warms up
        started = time.perf_counter()
        left @ right
        if compute.device.type == "cuda":
            torch.cuda.synchronize()
        seconds.append(time.perf_counter() - started)
    return 2 * size**3 / min(seconds[1:])
