"""The tables that `ctcbench lm` prints."""

from __future__ import annotations

from typing import Any

from rich import box
from rich.table import Table
from rich.text import Text

from ctcbench.files.text import printable

_MOST_TEXTS = 50


def training_tables(facts: dict[str, Any]) -> list[Table]:
    """Return the tables of a training: the orders with their discounts, and the perplexities."""
    orders = Table(box=box.SIMPLE_HEAD)
    for heading in ("order", "n-grams", "D1", "D2", "D3+", ""):
        orders.add_column(heading, justify="left" if not heading else "right")
    for one in facts["orders"]:
        # The counts of a small corpus determine no discounts.
        note = "" if one["estimated"] else "defaults, not estimated"
        orders.add_row(str(one["order"]), f"{one['ngrams']:,}", *(f"{d:.3f}" for d in one["discounts"]), note)
    summary = Table.grid(padding=(0, 3))
    summary.add_column(style="dim", no_wrap=True)
    summary.add_column(overflow="fold")
    names = {"train": "training texts", "val": "validation texts"}
    for name, found in facts["perplexity"].items():
        summary.add_row(names[name], _perplexity(found, facts["unit"]))
    summary.add_row("written to", Text(printable(facts["written"])))
    return [orders, summary]


def score_table(facts: dict[str, Any]) -> Table:
    """Return the table of scored texts, with a row for all of them."""
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("text", overflow="fold")
    for heading in ("log-prob", "perplexity", "unknown"):
        table.add_column(heading, justify="right")
    shown = facts["texts"][:_MOST_TEXTS]
    for found in shown:
        table.add_row(Text(printable(found["text"])), *_numbers(found))
    if len(facts["texts"]) > 1:
        table.add_section()
        more = len(facts["texts"]) - len(shown)
        rest = f" ({more:,} are not shown)" if more else ""
        table.add_row(f"all {len(facts['texts']):,}{rest}", *_numbers(facts["total"]))
    return table


def _numbers(found: dict[str, Any]) -> tuple[str, str, str]:
    return f"{found['log_prob']:.3f}", f"{found['perplexity']:.4g}", f"{found['unknown']:,}"


def _perplexity(found: dict[str, Any], unit: str) -> str:
    unknown = f", {found['unknown']:,} of them unknown" if found["unknown"] else ""
    texts = found["texts"]
    ends = f"the end{'' if texts == 1 else 's'} of {texts:,} text{'' if texts == 1 else 's'}"
    return f"perplexity {found['perplexity']:.4g} ({found['words']:,} {unit}s, {ends} included{unknown})"
