"""The number of CPU cores that this process may use, and of those that torch computes on."""

from __future__ import annotations

import os

from ctcbench.decoding.available_cores import available_cores

__all__ = ["available_cores", "computing_cores"]


def computing_cores() -> int:
    """Return the number of cores that torch computes on: `OMP_NUM_THREADS`, or all that are available."""
    # The variable may have a number for each level of nested parallelism: "4,2".
    wanted = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip()
    return min(available_cores(), int(wanted)) if wanted.isdecimal() and int(wanted) else available_cores()
