"""Training histories: records of metrics.jsonl as points of curves."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from ctcbench.contract.errors import CtcbenchError
from ctcbench.evaluation.score import is_number
from ctcbench.results.run_folder import RunFolder

Point = tuple[int, float]
_MOST_STEPS, _LARGEST = 2**53, 1e100


def read_records(folder: Path) -> list[dict[str, Any]]:
    """Return the records in a run folder's metrics; none if they cannot be read."""
    try:
        return RunFolder(folder).read_metrics()
    except CtcbenchError:
        return []  # the results are complete without curves


def of_kind(records: Sequence[dict[str, Any]], kind: Literal["steps", "epoch"]) -> list[dict[str, Any]]:
    """Return the records of a number of steps, or those of epochs."""
    return [record for record in records if record.get("kind") == kind]


def points(records: Sequence[dict[str, Any]], key: str) -> list[Point]:
    """Return ``(step, value)`` of each record with a finite number under `key`."""
    found = []
    for record in records:
        # Older versions of ctcbench recorded fewer metrics, and null where a value was not finite.
        step, value = record.get("step"), record.get(key)
        # The bounds keep numbers of a damaged file from overflowing where charts compute with them.
        if isinstance(step, int) and 0 <= step < _MOST_STEPS and is_number(value) and abs(value) < _LARGEST:
            found.append((step, float(value)))
    return found


def thin_out(points: Sequence[Any], most: int) -> list[Any]:
    """Return at most `most` of the points, evenly spaced, with the first and the last."""
    if len(points) <= most:
        return list(points)
    # Picked, not averaged: an average would hide the spikes of a loss.
    return [points[round(i * (len(points) - 1) / (most - 1))] for i in range(most)]
