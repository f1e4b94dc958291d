"""The tables of one result: what the texts are worth, and what they cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from ctcbench.contract.hooks import Column
from ctcbench.evaluation import metrics
from ctcbench.evaluation.score import Score
from ctcbench.files.text import one_line
from ctcbench.reporting.number_format import count, host, interval_with_unit, seconds, with_unit
from ctcbench.results.result import Result


def score_table(score: Score) -> Table:
    """Return the metrics of a score, each with its 95 % interval."""
    title = f"{score.split}: {score.images:,} image{'' if score.images == 1 else 's'}"
    table = Table(title=title, title_justify="left", title_style="bold")
    table.add_column("metric", no_wrap=True)
    table.add_column("value", justify="right", no_wrap=True)
    table.add_column("95 % interval", justify="right", no_wrap=True)
    table.add_column("what it counts", style="dim")
    for metric in metrics.METRICS:
        if metric.name not in score.metrics:
            continue  # the result was stored before the metric existed
        value, bounds = score.metrics[metric.name]
        style = "bold green" if metric.name == "exact" else ""
        table.add_row(
            metric.label,
            Text(with_unit(value, metric.format), style),
            interval_with_unit(bounds, metric.format),
            metric.help,
        )
    return table


def cost_table(result: Result, columns: Sequence[Column] = ()) -> Table:
    """Return the cost of a result and the columns of plugins, a line each."""
    cost: Mapping[str, Any] = result.cost
    table = Table.grid(padding=(0, 3))
    table.add_column(style="dim", no_wrap=True)
    table.add_column()
    decoding = f"{count(cost.get('decode_ms_per_image'))} ms an image  ({result.config.get('decoder')})"
    for name, text in (
        ("parameters", count(cost.get("parameters"))),
        ("training", f"{seconds(cost.get('train_seconds'))}  ({host(result.provenance)})"),
        ("images/s", count(cost.get("images_per_second"))),
        ("decoding", decoding),
        ("peak memory", f"{count(cost.get('peak_memory_mib'))} MiB"),
        *plugin_cells(result, columns),
    ):
        # As `Text`, or rich would take what is in brackets for markup.
        table.add_row(Text(name), Text(one_line(text)))
    return table


def plugin_cells(result: Result, columns: Sequence[Column]) -> list[tuple[str, str]]:
    """Return header and text of each plugin's column, a line each; one that raises says so instead."""
    document = result.to_json()
    cells = []
    for column in columns:
        try:
            text = str(column.text(document))
        except Exception as error:
            text = f"failed: {type(error).__name__}: {error}"
        cells.append((one_line(column.header), one_line(text)))
    return cells
