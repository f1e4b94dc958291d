"""Peak rates of a device: arithmetic, memory bandwidth and kernel launches, each measured separately."""

from __future__ import annotations

import time
from collections.abc import Callable

import torch

from ctcbench.training.device import Compute

# Large enough that a product is bound by arithmetic and a copy by memory, small enough for a fraction of a
# second on a laptop.
_SIZES = {"cpu": 1536, "cuda": 8192}
_COPIED_BYTES = 2**28
_LAUNCHES = 2000
_ROUNDS = 7


def matrix_rate(compute: Compute) -> float:
    """Return FLOP/s of a matrix product in the precision of a training; a multiply-add counts as two."""
    size = _SIZES[compute.device.type]
    left, right = (
        torch.randn(size, size, device=compute.device, dtype=compute.amp_dtype or torch.float32)
        for _ in range(2)
    )
    return 2 * size**3 / _best_seconds(compute, lambda: left @ right)


def memory_rate(compute: Compute) -> float:
    """Return bytes per second, read and written, of a copy that is larger than any cache."""
    source = torch.zeros(_COPIED_BYTES, dtype=torch.uint8, device=compute.device)
    target = torch.empty_like(source)
    return 2 * _COPIED_BYTES / _best_seconds(compute, lambda: target.copy_(source))


def launch_seconds(compute: Compute) -> float:
    """Return the seconds that the host needs to launch an operator, from a series of the smallest one."""
    one = torch.zeros(1, device=compute.device)

    def launches() -> None:
        for _ in range(_LAUNCHES):
            one.add_(1.0)

    return _best_seconds(compute, launches) / _LAUNCHES


def _best_seconds(compute: Compute, work: Callable[[], object]) -> float:
    seconds = []
    for _ in range(_ROUNDS + 1):  # the first one warms up
        started = time.perf_counter()
        work()
        # A GPU works asynchronously: without this, only the launch would be measured.
        if compute.device.type == "cuda":
            torch.cuda.synchronize()
        seconds.append(time.perf_counter() - started)
    # The fastest round: other programs can only slow a device down, and a bound needs its peak.
    return min(seconds[1:])
