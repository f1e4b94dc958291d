"""A report in Markdown."""

from __future__ import annotations

from ctcbench.files.text import one_line
from ctcbench.reporting.report_cells import (
    Cells,
    comparison_cells,
    comparisons_legend,
    effect_cells,
    effects_legend,
    legend,
    row_cells,
)
from ctcbench.reporting.report_model import Report


def to_markdown(report: Report) -> str:
    """Return the report: tables of rows, main effects and paired tests, what they mean, warnings."""
    parts: list[str] = []
    if report.rows:
        cells = row_cells(report)
        parts += [_table(cells), "\n\n".join(map(_text, legend(report, cells.headers))) + "\n"]
    if report.effects:
        parts += ["### Main effects\n", _table(effect_cells(report)), effects_legend() + "\n"]
    if report.comparisons:
        parts += ["### Paired tests\n", _table(comparison_cells(report.comparisons))]
        parts += [comparisons_legend() + "\n"]
    if report.warnings:
        parts += ["### Warnings\n", "".join(f"- {_text(warning.text)}\n" for warning in report.warnings)]
    if report.damaged:
        parts += ["### Left out, as they can't be read\n", "".join(f"- {_text(d)}\n" for d in report.damaged)]
    if report.failures:
        failed = (f"- {_text(str(failure))}\n" for failure in report.failures)
        parts += ["### Failed\n", "".join(failed)]
    return "\n".join(parts)


def _table(cells: Cells) -> str:
    rule = ["---" if i < cells.words else "---:" for i in range(len(cells.headers))]
    lines = [cells.headers, rule, *cells.lines]
    return "".join("| " + " | ".join(map(_text, line)) + " |\n" for line in lines)


def _text(text: str) -> str:
    """Return `text` so that it says the same in a cell: no bars, no links, no tags, one line."""
    text = " ".join(one_line(text).split())
    for character in "\\|*`[]":
        text = text.replace(character, "\\" + character)
    return text.replace("&", "&amp;").replace("<", "&lt;")
