"""Many results, one row each: as a table for the terminal, Markdown, CSV or JSON."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text

from ctcbench.contract.hooks import Column
from ctcbench.reporting.figures import count, interval, percent
from ctcbench.reporting.scores import plugin_cells
from ctcbench.results.result import Result

HEADERS = ("run", "backbone", "head", "decoder", "seed", "exact", "95 % interval", "char", "CER", "edits")
COSTS = ("parameters", "train s", "decode ms")
_SETTINGS = ("dataset", "backbone", "head", "loss", "decoder", "shortcut", "train_samples", "epochs", "seed")


@dataclass(frozen=True)
class Row:
    """A stored result and the run folder that it lies in."""

    folder: Path
    result: Result


def results_table(rows: Sequence[Row], columns: Sequence[Column] = (), *, wide: bool = True) -> Table:
    """Return the results as a table for the terminal; a narrow one leaves the cost out."""
    table = Table()
    table.add_column("run", no_wrap=True)
    table.add_column("backbone head decoder (seed)", overflow="fold")
    for header in ("exact %", "95 % interval", "char %", "CER %", "edits", *(COSTS if wide else ())):
        table.add_column(header, justify="right", no_wrap=True)
    for column in columns:
        table.add_column(Text(column.header), overflow="fold")
    for row in rows:
        run, backbone, head, decoder, seed, *figures = _cells(row, columns)
        if not wide:
            del figures[5 : 5 + len(COSTS)]
        plain = [figure.replace(" %", "").replace(" – ", "–") for figure in figures]
        table.add_row(run, Text(f"{backbone} {head} {decoder} ({seed})"), *map(Text, plain))
    return table


def to_markdown(rows: Sequence[Row], columns: Sequence[Column] = ()) -> str:
    """Return the results as a Markdown table."""
    headers = [*HEADERS, *COSTS, *(column.header for column in columns)]
    lines = [headers, ["---"] * len(headers), *(_cells(row, columns) for row in rows)]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines)


def to_csv(rows: Sequence[Row], columns: Sequence[Column] = ()) -> str:
    """Return the results as CSV: settings, every figure of score and cost in full, plugin columns."""
    records = [_record(row, columns) for row in rows]
    names = list(dict.fromkeys(name for record in records for name in record))
    text = io.StringIO()
    writer = csv.DictWriter(text, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(records)
    return text.getvalue()


def to_json(rows: Sequence[Row]) -> str:
    """Return the results as one JSON document: each as it is stored, and where."""
    documents = [{"run": str(row.folder), **row.result.to_json()} for row in rows]
    return json.dumps(documents, indent=2, ensure_ascii=False) + "\n"


def _cells(row: Row, columns: Sequence[Column]) -> list[str]:
    config, score, cost = row.result.config, row.result.score, row.result.cost
    return [
        row.folder.name,
        *(str(config.get(name, "")) for name in ("backbone", "head", "decoder", "seed")),
        percent(score.exact),
        interval(score.exact_ci, is_share=True),
        percent(score.char_accuracy),
        percent(score.cer),
        f"{score.edit_distance:.3f}",
        *(count(cost.get(name)) for name in ("parameters", "train_seconds", "decode_ms_per_image")),
        *(text for _, text in plugin_cells(row.result, columns)),
    ]


def _record(row: Row, columns: Sequence[Column]) -> dict[str, Any]:
    score = row.result.score.to_json()
    flat: dict[str, Any] = {"run": str(row.folder)}
    flat |= {name: row.result.config.get(name, "") for name in _SETTINGS}
    for name, value in score.items():
        flat |= (
            {f"{name}_low": value[0], f"{name}_high": value[1]} if isinstance(value, list) else {name: value}
        )
    return flat | dict(row.result.cost) | dict(plugin_cells(row.result, columns))
