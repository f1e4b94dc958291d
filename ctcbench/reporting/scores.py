"""The tables of one result: what the texts are worth, and what they cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from ctcbench.contract.hooks import Column
from ctcbench.evaluation.record import Score
from ctcbench.reporting.figures import count, host, interval, percent, seconds
from ctcbench.results.result import Result

# Name in Score, header, whether it is a share, what it counts.
METRICS = (
    ("exact", "exact", True, "texts that are right, case counted"),
    ("exact_caseless", "caseless", True, "… case aside"),
    ("exact_folded", "folded", True, "… look-alikes taken as one: 0Oo, 1Il, cC, sS, vV, wW, xX, zZ"),
    ("char_accuracy", "char", True, "characters in their place"),
    ("cer", "CER", True, "edits per target character"),
    ("edit_distance", "edit distance", False, "edits per text"),
)


def score_table(score: Score) -> Table:
    """Return the metrics of a score, each with its 95 % interval."""
    title = f"{score.split}: {score.images:,} image{'' if score.images == 1 else 's'}"
    table = Table(title=title, title_justify="left", title_style="bold")
    table.add_column("metric", no_wrap=True)
    table.add_column("value", justify="right", no_wrap=True)
    table.add_column("95 % interval", justify="right", no_wrap=True)
    table.add_column("what it counts", style="dim")
    for name, header, is_share, meaning in METRICS:
        value, bounds = getattr(score, name), getattr(score, f"{name}_ci")
        shown = percent(value) if is_share else f"{value:.3f}"
        style = "bold green" if name == "exact" else ""
        table.add_row(header, Text(shown, style), interval(bounds, is_share=is_share), meaning)
    return table


def cost_table(result: Result, columns: Sequence[Column] = ()) -> Table:
    """Return the cost of a result and the columns of plugins, a line each."""
    cost: Mapping[str, Any] = result.cost
    table = Table.grid(padding=(0, 3))
    table.add_column(style="dim", no_wrap=True)
    table.add_column()
    table.add_row("parameters", count(cost.get("parameters")))
    table.add_row("training", f"{seconds(cost.get('train_seconds'))}  ({host(result.provenance)})")
    table.add_row("images/s", count(cost.get("images_per_second")))
    table.add_row(
        "decoding", f"{count(cost.get('decode_ms_per_image'))} ms an image  ({result.config.get('decoder')})"
    )
    table.add_row("peak memory", f"{count(cost.get('peak_memory_mib'))} MiB")
    for header, text in plugin_cells(result, columns):
        table.add_row(Text(header), Text(text))
    return table


def plugin_cells(result: Result, columns: Sequence[Column]) -> list[tuple[str, str]]:
    """Return header and text of each plugin's column; one that raises says so instead of a figure."""
    document = result.to_json()
    cells = []
    for column in columns:
        try:
            cells.append((column.header, str(column.text(document))))
        except Exception as error:
            cells.append((column.header, f"failed: {type(error).__name__}: {error}"))
    return cells
