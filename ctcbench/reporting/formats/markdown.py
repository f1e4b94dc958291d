"""A report in Markdown."""

from __future__ import annotations

from collections.abc import Iterable

from ctcbench.reporting.formats.markdown_text import markdown_table, markdown_text
from ctcbench.reporting.report_model import Report
from ctcbench.reporting.tables import AnyTable, analyses, legend, result_table


def to_markdown(report: Report) -> str:
    """Return the report: tables of rows, main effects and paired tests with legends, warnings, failures."""
    parts: list[str] = []
    if report.rows:
        table = result_table(report)
        parts += [_table(table), "\n\n".join(map(markdown_text, legend(report, table))) + "\n"]
    for analysis in analyses(report):
        parts += [f"### {analysis.heading}\n", _table(analysis.table), analysis.legend + "\n"]
    parts += _list("Warnings", (warning.text for warning in report.warnings))
    parts += _list("Left out, as they can't be read", report.damaged)
    parts += _list("Failed", map(str, report.failures))
    return "\n".join(parts)


def _list(heading: str, texts: Iterable[str]) -> list[str]:
    lines = [f"- {markdown_text(text)}\n" for text in texts]
    return [f"### {heading}\n", "".join(lines)] if lines else []


def _table(table: AnyTable) -> str:
    numbers = [index for index, column in enumerate(table.columns) if column.kind == "number"]
    return markdown_table(table.headers, table.lines, numbers)
