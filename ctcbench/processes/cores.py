"""The number of CPU cores that this process may use."""

from __future__ import annotations

import os


def available_cores() -> int:
    """Return the number of cores in this process's CPU affinity, or of the machine where that is unknown."""
    # In a container the affinity is often smaller than what os.cpu_count() returns.
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def computing_cores() -> int:
    """Return the number of cores that torch computes on: `OMP_NUM_THREADS`, or all that are available."""
    # The variable may have a number for each level of nested parallelism: "4,2".
    wanted = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip()
    return min(available_cores(), int(wanted)) if wanted.isdecimal() and int(wanted) else available_cores()
