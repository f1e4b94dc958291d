"""Data of the page's charts on confidence: reliability diagrams, accuracy against coverage."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ctcbench.reporting.report_model import Row
from ctcbench.reporting.training_histories import thin_out

POINTS = 60  # of a curve; enough for a plot of 500 pixels


def confidence_charts(rows: Sequence[Row]) -> dict[int, dict[str, Any]]:
    """Return the charts of the rows that have confidences, by row number.

    Each is ``{"texts", "runs", "ece", "brier", "bins", "coverage", "accepted"}``: bins as ``[low, high,
    count, confidence, accuracy, lower bound, upper bound]``, points of the curve as ``[coverage, accuracy,
    confidence]``, and accepted as ``[wanted accuracy, coverage, confidence]``.
    """
    charts = {}
    for row in rows:
        found = row.confidence
        if found is None:
            continue
        charts[row.number] = {
            "texts": found.texts,
            "runs": found.runs,
            "ece": rounded(found.ece),
            "brier": rounded(found.brier),
            "bins": [
                [one.low, one.high, one.count, *map(rounded, (one.confidence, one.accuracy, *one.interval))]
                for one in found.bins
            ],
            "coverage": [
                [*map(rounded, (point.coverage, point.accuracy, point.confidence))]
                for point in thin_out(found.coverage, POINTS)
            ],
            "accepted": [
                [wanted, rounded(point.coverage), rounded(point.confidence)]
                for wanted, point in found.accepted
            ],
        }
    return charts


def rounded(share: float) -> float:
    """Return a share with the digits that a plot can show."""
    return round(share, 4)
