"""Data of the page's charts of accuracy by text length, by position and by character."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ctcbench.evaluation.breakdowns import GroupAccuracy, break_down
from ctcbench.reporting.formats.html.confidence_charts import rounded
from ctcbench.reporting.report_model import Row

MOST_CHARACTERS = 96  # those with the lowest accuracies


def breakdown_charts(rows: Sequence[Row]) -> dict[int, dict[str, Any]]:
    """Return the charts of the rows that have stored predictions, by row number.

    Each is ``{"texts", "lengths", "positions", "characters", "left_out"}``. Groups are ``[name, count,
    accuracy, lower bound, upper bound]``, over all runs of the row; characters begin with the lowest
    accuracy, and ``left_out`` is the number of those that are not shown.
    """
    charts = {}
    for row in rows:
        stored = [member.predictions for member in row.members if member.predictions is not None]
        pairs = [pair for one in stored for pair in zip(one.texts, one.targets, strict=True)]
        if not pairs:
            continue
        found = break_down(pairs)
        worst = sorted(found.characters, key=lambda group: (group.accuracy, -group.count, group.name))
        charts[row.number] = {
            "texts": len(pairs),
            "lengths": [_group(group, len(stored)) for group in found.lengths],
            "positions": [_group(group, len(stored)) for group in found.positions],
            "characters": [_group(group, len(stored)) for group in worst[:MOST_CHARACTERS]],
            "left_out": max(0, len(worst) - MOST_CHARACTERS),
        }
    return charts


def _group(group: GroupAccuracy, runs: int) -> list[Any]:
    low, high = group.interval(runs)
    return [group.name, group.count, rounded(group.accuracy), rounded(low), rounded(high)]
