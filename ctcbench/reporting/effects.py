"""Main effects: the effect of changing one setting, averaged over all others."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from ctcbench.evaluation.seed_statistics import Cell, main_effect
from ctcbench.reporting.axes import level_order
from ctcbench.reporting.report_model import CONFIGURATION, Effect, Row

METRICS = ("exact", "cer")


def find_effects(rows: Sequence[Row], axes: Sequence[str]) -> list[Effect]:
    """Return the effect of each level of each axis against the axis's first level (by size, then by name)."""
    effects = []
    # The effects of a configuration's name alone would repeat the rows; across other axes they do not.
    for axis in (axis for axis in axes if axis != CONFIGURATION or len(axes) > 1):
        levels = sorted({row.axes[axis] for row in rows}, key=level_order)
        for level in levels[1:]:
            for metric in METRICS:
                before, after = (_cells(rows, axis, one, metric) for one in (levels[0], level))
                found = main_effect(before, after, _resolution(rows) if metric == "exact" else 0.0)
                if found:
                    effects.append(Effect(axis, levels[0], level, metric, *vars(found).values()))
    return effects


def _resolution(rows: Sequence[Row]) -> float:
    """Return the unit of exact accuracies: one of the test images."""
    images = min(member.result.score.images for row in rows for member in row.members)
    return 1 / images if images else 0.0


def _cells(rows: Sequence[Row], axis: str, level: str, metric: str) -> dict[Cell, float]:
    cells: dict[Cell, list[float]] = {}
    for row in rows:
        if row.axes[axis] == level:
            rest = tuple(value for name, value in row.axes.items() if name != axis)
            for member in row.members:
                measured = member.result.score.metrics.get(metric)
                if measured:
                    # Results on different test images form no pair, unless the data set is the axis.
                    images = "" if axis == "dataset" else member.fingerprint
                    cells.setdefault(((*rest, images), member.seed), []).append(measured.value)
    # A coarse --by may put two runs of one seed into a cell; they are averaged, as in the rows.
    return {cell: fmean(values) for cell, values in cells.items()}
