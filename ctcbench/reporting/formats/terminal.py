"""A report for the terminal, as rich renderables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.columns import Columns
from rich.console import RenderableType
from rich.table import Table as RichTable
from rich.text import Text

from ctcbench.files.text import one_line
from ctcbench.reporting.formats.component_cell import ComponentCell
from ctcbench.reporting.report_column import FOLD_FROM
from ctcbench.reporting.report_model import Report
from ctcbench.reporting.tables import AnyTable, analyses, legend, result_table

# Wider than any label: labels stay on one line.
_UNFOLDED = 1_000
_FOLDED = 10  # width that labels are folded to before more columns are left out
_NARROWEST = 8  # least width of a folded label; a table that does not fit even so becomes a list
_MOST_COMPARISONS = 15  # if there are more, those with the best row are shown


def report_table(report: Report, width: int) -> list[RenderableType]:
    """Return the report from top to bottom, for a terminal of `width` columns."""
    parts: list[RenderableType] = []
    if report.rows:
        parts += _results(report, width)
    for analysis in analyses(report, _MOST_COMPARISONS):
        notes = [analysis.legend]
        if analysis.is_cut:
            notes.append(f"Those with the best row; --format md and json have all {analysis.total}.")
        parts += ["", _lay_out(_drop_columns(analysis.table, width), width), *_notes(notes)]
    parts += _messages("warning: ", "bold yellow", (warning.text for warning in report.warnings))
    parts += _messages("left out: ", "bold red", report.damaged)
    return parts + _messages("failed: ", "bold red", map(str, report.failures))


def _results(report: Report, width: int) -> list[RenderableType]:
    table = result_table(report)
    if _width(table) > width:
        # Several label columns need more room than one with the same texts.
        table = _drop_columns(table.join_labels(), width)
    parts = [_lay_out(table, width), *_notes(legend(report, table))]
    # That column is the first to be left out, and nothing else names the run folders.
    if "best run" not in table.headers:
        best = [f"{row.number} {row.folders[row.best].name}" for row in report.rows]
        # In columns, so that no line ends between a number and its name.
        parts += [*_notes(["best run of each row:"]), Columns(_notes(best), padding=(0, 2))]
    return parts


def _drop_columns(table: AnyTable, width: int) -> AnyTable:
    """Return the table without as many columns as it takes to fit into `width`, empty ones first."""
    if _width(table) > width:
        table = table.without_empty_columns()
    # Columns of low priority go first; from `FOLD_FROM` on, breaking labels is preferred.
    for column in table.by_priority():
        folded = _FOLDED if (column.priority or 0) >= FOLD_FROM else _UNFOLDED
        if _width(table, folded) <= width:
            break
        table = table.keep(lambda other, dropped=column: other is not dropped)  # type: ignore[misc]
    return table


def _width(table: AnyTable, folded: int = _UNFOLDED) -> int:
    texts = zip(table.headers, *table.lines, strict=True)
    # In cells of the terminal: a Chinese character takes two.
    widths = [max(map(cell_len, column)) for column in texts]
    labels = [column.kind == "label" and i > 0 for i, column in enumerate(table.columns)]
    folded_widths = (min(w, folded) if label else w for w, label in zip(widths, labels, strict=True))
    return sum(folded_widths) + 3 * len(widths)


def _lay_out(table: AnyTable, width: int) -> RenderableType:
    """Return the table, or a list of its lines if no table is narrow enough."""
    return _as_table(table) if _width(table, _NARROWEST) <= width else _as_list(table)


def _as_list(table: AnyTable) -> RenderableType:
    shown = RichTable(
        title=table.title, title_justify="left", title_style="bold", box=None, show_header=False
    )
    shown.add_column(style="dim", max_width=16)
    shown.add_column(overflow="fold")
    for line in table.lines:
        for header, text in zip(table.headers, line, strict=True):
            if text:
                # Text, not str: rich would read brackets in a setting as its markup.
                shown.add_row(Text(header), Text(text))
        shown.add_row()
    return shown


def _as_table(table: AnyTable) -> RichTable:
    shown = RichTable(title=table.title, title_justify="left", title_style="bold", box=SIMPLE_HEAD)
    for i, (column, header) in enumerate(zip(table.columns, table.headers, strict=True)):
        # Only labels are broken over lines: half a number would be another number.
        broken = column.kind == "label" and i > 0
        shown.add_column(
            Text(header),
            justify="right" if column.kind == "number" else "left",
            overflow="fold",
            no_wrap=not broken,
            min_width=_NARROWEST if broken else None,
        )
    for line in table.lines:
        cells = zip(table.columns, line, strict=True)
        shown.add_row(*(ComponentCell(text) if col.kind == "label" else Text(text) for col, text in cells))
    return shown


def _notes(lines: Sequence[str]) -> list[RenderableType]:
    return [Text(one_line(line), "dim") for line in lines]


def _messages(name: str, style: str, texts: Iterable[str]) -> list[RenderableType]:
    messages = [Text.assemble((name, style), one_line(text)) for text in texts]
    return ["", *messages] if messages else []
