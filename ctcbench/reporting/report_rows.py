"""Rows of a report: the results of one configuration as means, spreads, intervals and rates."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ctcbench.contract.hooks import Column
from ctcbench.evaluation import metrics
from ctcbench.evaluation.metrics import Metric
from ctcbench.evaluation.seed_statistics import spread
from ctcbench.files.text import one_line
from ctcbench.reporting.axes import Axes, seed_of
from ctcbench.reporting.members import Collapse, Member, mean_by_seed
from ctcbench.reporting.report_model import Estimate, Row
from ctcbench.reporting.stored_predictions import stored_predictions
from ctcbench.reporting.talk_figures import talk_figure
from ctcbench.results.result import COSTS, Result


def make_rows(
    groups: Mapping[tuple[str, ...], Sequence[Result]],
    axes: Axes,
    columns: Sequence[Column],
) -> list[Row]:
    """Return a row for each group, the best mean exact accuracy first, numbered from 1."""
    rows = [
        _row(dict(zip(axes.names, values, strict=True)), results, columns)
        for values, results in groups.items()
    ]
    rows.sort(key=_rank)
    return [_numbered(row, number) for number, row in enumerate(rows, start=1)]


def _row(axes: Mapping[str, str], results: Sequence[Result], columns: Sequence[Column]) -> Row:
    members = tuple(_member(result) for result in results)
    exact = [result.score.exact for result in results]
    measured = {metric.name: _estimate(results, metric) for metric in metrics.METRICS}
    costs = {name: _cost(results, name) for name in COSTS}
    return Row(
        number=0,
        axes=axes,
        members=members,
        metrics={name: estimate for name, estimate in measured.items() if estimate},
        cost={name: estimate for name, estimate in costs.items() if estimate},
        collapse=Collapse.of(members),
        best=exact.index(max(exact)),
        talk=talk_figure(results[0].config),
        columns=_plugins(results, columns),
    )


def _numbered(row: Row, number: int) -> Row:
    return Row(**{**vars(row), "number": number})


def _member(result: Result) -> Member:
    training: Any = result.provenance.get("training")
    recorded = isinstance(training, Mapping) and "left_plateau_step" in training
    left = training["left_plateau_step"] if recorded else None
    return Member(
        seed_of(result),
        result.folder or Path(),
        result,
        stored_predictions(result),
        left if isinstance(left, int) else None,
        recorded and left is None,
    )


def _rank(row: Row) -> tuple[float, float, str]:
    cer = row.metrics.get("cer")
    return -row.metrics["exact"].mean, cer.mean if cer else math.inf, row.name


def _estimate(results: Sequence[Result], metric: Metric) -> Estimate | None:
    measured = [result.score.metrics.get(metric.name) for result in results]
    values = tuple(found.value if found else None for found in measured)
    known = _by_seed(results, values)
    if not known:
        return None  # every result was stored before the metric existed
    found = spread(known)
    if found.interval is None:
        (bounds,) = [one.interval for one in measured if one] if len(results) == 1 else [None]
        return Estimate(values, found.mean, None, bounds, "images" if bounds else None)
    # Student's interval knows no bounds, but a share and a distance do; so it is cut off there.
    low, high = found.interval
    interval = (max(low, 0.0), min(high, metric.highest))
    return Estimate(values, found.mean, found.sd, interval, "seeds")


def _cost(results: Sequence[Result], name: str) -> Estimate | None:
    values = tuple(result.cost.get(name) for result in results)
    known = _by_seed(results, values)
    if not known:
        return None
    found = spread(known)
    return Estimate(values, found.mean, found.sd, found.interval, "seeds" if found.interval else None)


def _by_seed(results: Sequence[Result], values: Sequence[float | None]) -> list[float]:
    return list(mean_by_seed([seed_of(result) for result in results], values).values())


def _plugins(results: Sequence[Result], columns: Sequence[Column]) -> tuple[tuple[str, str], ...]:
    texts: dict[str, dict[str, None]] = {}
    for result in results:
        for header, text in plugin_cells(result, columns):
            texts.setdefault(header, {})[text] = None
    return tuple((header, " · ".join(found)) for header, found in texts.items())


def plugin_cells(result: Result, columns: Sequence[Column]) -> list[tuple[str, str]]:
    """Return header and text of each plugin's column; the text of one that raises is its error."""
    document = result.to_json()
    cells = []
    for column in columns:
        try:
            text = str(column.text(document))
        except Exception as error:  # a plugin may raise anything, and the rest of the report stands
            text = f"failed: {type(error).__name__}: {error}"
        cells.append((one_line(column.header), one_line(text)))
    return cells
