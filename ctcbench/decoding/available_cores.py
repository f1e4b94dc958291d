"""The number of CPU cores that this process may use."""

from __future__ import annotations

import os


def available_cores() -> int:
    """Return the number of cores in this process's CPU affinity, or of the machine where that is unknown."""
    # In a container the affinity is often smaller than what os.cpu_count() returns.
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
