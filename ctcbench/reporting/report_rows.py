"""Rows of a report: the results of one configuration, summarised over seeds."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ctcbench.contract.hooks import Column
from ctcbench.evaluation import metrics
from ctcbench.evaluation.metrics import Metric
from ctcbench.evaluation.seed_statistics import bounded, spread
from ctcbench.files.text import one_line
from ctcbench.reporting.axes import Axes, seed_of
from ctcbench.reporting.confidence_summary import summarise_confidence
from ctcbench.reporting.members import STUCK_STEPS, Collapse, Member, mean_by_seed
from ctcbench.reporting.report_model import Row, SeedEstimate
from ctcbench.reporting.stored_predictions import stored_predictions
from ctcbench.reporting.talk_figures import talk_figure
from ctcbench.results.result import COSTS, Result


def make_rows(
    groups: Mapping[tuple[str, ...], Sequence[Result]], axes: Axes, columns: Sequence[Column]
) -> list[Row]:
    """Return a row for each group, numbered from 1 in descending order of mean exact accuracy."""
    rows = [
        _row(dict(zip(axes.names, values, strict=True)), results, columns)
        for values, results in groups.items()
    ]
    rows.sort(key=_rank)  # ties by CER, then by name, so that the numbers are reproducible
    return [Row(**{**vars(row), "number": number}) for number, row in enumerate(rows, start=1)]


def plugin_cells(result: Result, columns: Sequence[Column]) -> list[tuple[str, str]]:
    """Return header and text of each plugin's column; the text of one that raises is its error."""
    document = result.to_json()
    cells = []
    for column in columns:
        try:
            text = str(column.text(document))
        except Exception as error:  # a plugin may raise anything; the report is complete without it
            text = f"failed: {type(error).__name__}: {error}"
        cells.append((one_line(column.header), one_line(text)))
    return cells


def _row(axes: Mapping[str, str], results: Sequence[Result], columns: Sequence[Column]) -> Row:
    members = tuple(_member(result) for result in results)
    # Every result has the exact accuracy; other metrics may be newer than a result.
    exact = [result.score.exact for result in results]
    measured = {metric.name: _metric_estimate(results, metric) for metric in metrics.METRICS}
    costs = {name: _estimate(results, [result.cost.get(name) for result in results]) for name in COSTS}
    return Row(
        number=0,
        axes=axes,
        members=members,
        metrics={name: estimate for name, estimate in measured.items() if estimate},
        cost={name: estimate for name, estimate in costs.items() if estimate},
        collapse=Collapse.of(members),
        confidence=summarise_confidence(members),
        best=exact.index(max(exact)),
        # The first run is enough: runs of a row differ in the seed, or in what --by pooled.
        talk=talk_figure(results[0].config),
        columns=_plugin_columns(results, columns),
    )


def _rank(row: Row) -> tuple[float, float, str]:
    cer = row.metrics.get("cer")
    return -row.metrics["exact"].mean, cer.mean if cer else math.inf, row.name


def _member(result: Result) -> Member:
    training: Any = result.provenance.get("training")
    left, on_it = _plateau(training if isinstance(training, Mapping) else {})
    return Member(
        seed=seed_of(result),
        folder=result.folder or Path(),
        result=result,
        predictions=stored_predictions(result),
        left_plateau_step=left,
        ended_on_plateau=on_it,
    )


def _plateau(training: Mapping[str, Any]) -> tuple[int | None, bool]:
    """Return the step at which the plateau was left, and whether training ended on it."""
    left = training.get("left_plateau_step")
    at_end = training.get("plateau_steps_at_end")
    # Recorded as None: the longest stay on the plateau lasts, or (0 steps at the end) there was none.
    is_longest = "left_plateau_step" in training and left is None and at_end != 0
    if is_longest or (isinstance(at_end, int) and at_end >= STUCK_STEPS):
        return None, True
    return left if isinstance(left, int) else None, False


def _metric_estimate(results: Sequence[Result], metric: Metric) -> SeedEstimate | None:
    measured = [result.score.metrics.get(metric.name) for result in results]
    estimate = _estimate(results, [one.value if one else None for one in measured])
    if estimate is None:
        return None  # every result was stored before the metric existed
    if estimate.interval is None:
        # Several runs of one seed have no common interval over images.
        bounds = measured[0].interval if len(measured) == 1 and measured[0] else None
        return SeedEstimate(estimate.values, estimate.mean, None, bounds, "images" if bounds else None)
    interval = bounded(estimate.interval, 0.0, metric.highest)
    return SeedEstimate(estimate.values, estimate.mean, estimate.sd, interval, "seeds")


def _estimate(results: Sequence[Result], values: Sequence[float | None]) -> SeedEstimate | None:
    """Return the estimate of one value per result; None if no result has one."""
    # Averaged within a seed first, because runs of one seed are not independent draws.
    known = mean_by_seed([seed_of(result) for result in results], values)
    if not known:
        return None
    found = spread(list(known.values()))
    return SeedEstimate(
        tuple(values), found.mean, found.sd, found.interval, "seeds" if found.interval else None
    )


def _plugin_columns(results: Sequence[Result], columns: Sequence[Column]) -> tuple[tuple[str, str], ...]:
    """Return header and text of the plugins' columns; texts that differ between runs are joined by " · "."""
    # Dicts without values are sets in order of insertion, so that a report is the same every time.
    texts: dict[str, dict[str, None]] = {}
    for result in results:
        for header, text in plugin_cells(result, columns):
            texts.setdefault(header, {})[text] = None
    return tuple((header, " · ".join(found)) for header, found in texts.items())
