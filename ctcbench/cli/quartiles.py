"""Medians and quartiles of measured times."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any


def quartiles(values: Sequence[float]) -> tuple[float, float]:
    """Return the lower and the upper quartile of two or more values."""
    low, _, high = statistics.quantiles(values, n=4)
    return low, high


def spread(values: Sequence[float]) -> dict[str, Any]:
    """Return median, quartiles and maximum, rounded, as `--json` prints them."""
    low, high = quartiles(values)
    return {
        "median": round(statistics.median(values), 3),
        "quartiles": [round(low, 3), round(high, 3)],
        "longest": round(max(values), 3),
    }
