"""The columns of metrics and of costs: means over the seeds of a row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict

from ctcbench.evaluation import metrics
from ctcbench.evaluation.metrics import Metric
from ctcbench.reporting.number_format import count
from ctcbench.reporting.report_column import Fields, ReportColumn, RowColumn, join_values, plus_minus
from ctcbench.reporting.report_model import Report, Row


def metric_column(metric: Metric) -> RowColumn:
    """Return the column of a metric: mean ± standard deviation over seeds."""

    def mean(row: Row) -> float | None:
        estimate = row.metrics.get(metric.name)
        return estimate.mean if estimate else None

    # A result older than the metric leaves the fields in place, but empty.
    def data(row: Row) -> Fields:
        estimate = row.metrics.get(metric.name)
        low, high = (estimate and estimate.interval) or (None, None)
        return {
            metric.name: estimate and estimate.mean,
            f"{metric.name}_sd": estimate and estimate.sd,
            f"{metric.name}_low": low,
            f"{metric.name}_high": high,
            f"{metric.name}_values": join_values(estimate.values if estimate else ()),
        }

    def nested(row: Row) -> Fields:
        estimate = row.metrics.get(metric.name)
        return {"metrics": {metric.name: asdict(estimate) if estimate else None}}

    return ReportColumn(
        metric.header,
        lambda row: plus_minus(row.metrics.get(metric.name), metric.format),
        mean,
        help=f"{metric.help}; {metric.direction} is better",
        shown=lambda report: metric.tables != "none",
        # Rows are ordered by exact accuracy: without that column the order would be unexplained.
        priority=None if metric.name == "exact" else metric.priority,
        latex="results" if metric.tables == "all" else "",
        cell="primary" if metric.name == "exact" else "estimate",
        data=data,
        nested=nested,
    )


def exact_column(report: Report) -> list[RowColumn]:
    """Return the column of the exact accuracy."""
    return [metric_column(metric) for metric in metrics.METRICS if metric.name == "exact"]


def other_metric_columns(report: Report) -> list[RowColumn]:
    """Return the columns of all other metrics."""
    return [metric_column(metric) for metric in metrics.METRICS if metric.name != "exact"]


def cost_column(
    header: str,
    name: str,
    help: str,
    priority: int,
    *,
    shown: bool = True,
    note: Callable[[Report], str] = lambda report: "",
) -> RowColumn:
    """Return the column of a cost: the mean over seeds."""

    def mean(row: Row) -> float | None:
        return row.cost[name].mean if name in row.cost else None

    def data(row: Row) -> Fields:
        cost = row.cost.get(name)
        # A row without the cost has no fields; in CSV its cells are empty if another row has it.
        return {name: cost.mean, f"{name}_sd": cost.sd} if cost else {}

    return ReportColumn(
        header,
        lambda row: count(mean(row)),
        mean,
        help=help,
        note=lambda report: note(report) if any(name in row.cost for row in report.rows) else "",
        shown=lambda report: shown,
        priority=priority,
        latex="cost",
        data=data,
        nested=lambda row: {"cost": {name: asdict(row.cost[name])} if name in row.cost else {}},
    )
