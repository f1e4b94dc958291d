"""A report in Markdown."""

from __future__ import annotations

from collections.abc import Iterable

from ctcbench.files.text import one_line
from ctcbench.reporting.report_model import Report
from ctcbench.reporting.tables import AnyTable, analyses, legend, result_table


def to_markdown(report: Report) -> str:
    """Return the report: tables of rows, main effects and paired tests with legends, warnings, failures."""
    parts: list[str] = []
    if report.rows:
        table = result_table(report)
        parts += [_table(table), "\n\n".join(map(_text, legend(report, table))) + "\n"]
    for analysis in analyses(report):
        parts += [f"### {analysis.heading}\n", _table(analysis.table), analysis.legend + "\n"]
    parts += _list("Warnings", (warning.text for warning in report.warnings))
    parts += _list("Left out, as they can't be read", report.damaged)
    parts += _list("Failed", map(str, report.failures))
    return "\n".join(parts)


def _list(heading: str, texts: Iterable[str]) -> list[str]:
    lines = [f"- {_text(text)}\n" for text in texts]
    return [f"### {heading}\n", "".join(lines)] if lines else []


def _table(table: AnyTable) -> str:
    rule = ["---:" if column.kind == "number" else "---" for column in table.columns]
    lines = [table.headers, rule, *table.lines]
    return "".join("| " + " | ".join(map(_text, line)) + " |\n" for line in lines)


def _text(text: str) -> str:
    """Return `text` on one line, with everything escaped that Markdown would interpret in a cell."""
    text = " ".join(one_line(text).split())
    # The backslash comes first, or it would escape the escapes.
    for character in "\\|*`[]":
        text = text.replace(character, "\\" + character)
    # Markdown passes HTML through, so that a setting could hold markup of its own.
    return text.replace("&", "&amp;").replace("<", "&lt;")
