"""Training curves for the page: metrics by step, as a mean over models with a band around it."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Literal

from ctcbench.reporting.report_model import Row
from ctcbench.reporting.training_histories import of_kind, points, read_records, thin_out

POINTS = 80  # enough for a plot about 500 pixels wide
# Each panel's records and their key: the training loss of every 10 steps, and the validation of each epoch.
METRICS: dict[str, tuple[Literal["steps", "epoch"], str]] = {
    "training": ("steps", "loss"),
    "loss": ("epoch", "val_loss"),
    "exact": ("epoch", "val_exact"),
}


def training_curves(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Return a curve for each set of trained models; rows that differ only in the decoder share one.

    Each is ``{"rows", "models", "training", "loss", "exact"}``: the numbers of its rows, the number of models
    (one per seed), and for each of `METRICS` points ``[step, mean, lowest, highest]``.
    """
    curves: dict[frozenset[Path], dict[str, Any]] = {}
    for row in rows:
        # Rows with the same run folders have the same models, whatever the decoder.
        folders = frozenset(row.folders)
        if folders in curves:
            curves[folders]["rows"].append(row.number)
            continue
        records = [read_records(folder) for folder in sorted(folders)]
        bands = {
            name: _band([of_kind(one, kind) for one in records], key) for name, (kind, key) in METRICS.items()
        }
        curves[folders] = {"rows": [row.number], "models": sum(map(bool, records)), **bands}
    # Run folders that were copied without metrics.jsonl have no curve.
    return [curve for curve in curves.values() if any(curve[name] for name in METRICS)]


def _band(histories: Iterable[Sequence[dict[str, Any]]], key: str) -> list[list[float]]:
    by_step: dict[int, list[float]] = {}
    for history in histories:
        for step, value in points(history, key):
            by_step.setdefault(step, []).append(value)
    # At a step that not every model reached, the band is over those that did.
    bands = [[step, statistics.fmean(v), min(v), max(v)] for step, v in sorted(by_step.items())]
    # Five digits are finer than a pixel of the plot, and keep the file small.
    return [[step, *(float(f"{value:.5g}") for value in values)] for step, *values in thin_out(bands, POINTS)]
