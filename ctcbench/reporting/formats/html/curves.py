"""Training curves: what validation found step by step, as a mean over models and a band around it."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from ctcbench.reporting.report_model import Row
from ctcbench.reporting.training_histories import points, read_records, thinned

POINTS = 80  # a curve is drawn about 500 pixels wide
METRICS = {"exact": "val_exact", "loss": "val_loss"}


def training_curves(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Return a curve for each model that was trained; rows that differ in the decoder share one.

    Each is ``{"rows", "models", "exact", "loss"}``: the numbers of its rows, how many models it is of
    (one a seed), and for both metrics points ``[step, mean, low, high]``, low and high the extremes.
    """
    curves: dict[frozenset[Path], dict[str, Any]] = {}
    for row in rows:
        folders = frozenset(row.folders)
        if folders in curves:
            curves[folders]["rows"].append(row.number)
            continue
        histories = [history for folder in sorted(folders) if (history := read_records(folder, "epoch"))]
        bands = {name: _band(histories, key) for name, key in METRICS.items()}
        curves[folders] = {"rows": [row.number], "models": len(histories), **bands}
    return [curve for curve in curves.values() if any(curve[name] for name in METRICS)]


def _band(histories: Iterable[Sequence[dict[str, Any]]], key: str) -> list[list[float]]:
    by_step: dict[int, list[float]] = {}
    for history in histories:
        for step, value in points(history, key):
            by_step.setdefault(step, []).append(value)
    bands = [[step, statistics.fmean(v), min(v), max(v)] for step, v in sorted(by_step.items())]
    return [[step, *(float(f"{value:.5g}") for value in values)] for step, *values in thinned(bands, POINTS)]
