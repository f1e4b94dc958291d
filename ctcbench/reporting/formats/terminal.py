"""A report for the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from ctcbench.files.text import one_line
from ctcbench.reporting.report_cells import (
    DISPENSABLE,
    Cells,
    comparison_cells,
    comparisons_legend,
    effect_cells,
    effects_legend,
    legend,
    row_cells,
)
from ctcbench.reporting.report_model import Report

_WORDS = ("better than", "best run")
_NARROW = 10  # columns that words can be folded into
_NARROWEST = 8  # the least that words are folded into; a table that needs less than that becomes a list
_SHOWN = 15  # comparisons; of more, those with the best row
# What narrow terminals leave out of effects and tests: columns with a figure of the CER.
_EFFECTS = ("CER, points", "CER 95 %", "pairs", "seeds")
_TESTS = ("CER 95 %", "p CER", "CER, points", "images")


def report_table(report: Report, width: int) -> list[RenderableType]:
    """Return the report from top to bottom, for a terminal of `width` columns."""
    parts: list[RenderableType] = []
    if report.rows:
        cells = row_cells(report)
        if _width(cells) > width:
            cells = _fitted(row_cells(report, joined=True), DISPENSABLE, width)
            plugins = [header for header, _ in report.rows[0].columns]
            cells = _fitted(cells, [*plugins, "collapsed"], width, folded=_NARROW)
        parts += [_shown(cells, width), *_notes(legend(report, cells.headers))]
        if "best run" not in cells.headers:
            best = ", ".join(f"{row.number} {row.folders[row.best].name}" for row in report.rows)
            parts += _notes([f"best run of each row: {best}"])
    if report.effects:
        parts += [
            "",
            _shown(_fitted(effect_cells(report), _EFFECTS, width), width),
            *_notes([effects_legend()]),
        ]
    if report.comparisons:
        shown = report.comparisons
        notes = [comparisons_legend()]
        if len(shown) > _SHOWN:
            shown = tuple(c for c in shown if c.first == 1)
            notes.append(f"Those with row 1; all {len(report.comparisons)} are in --format md and json.")
        cells = _fitted(comparison_cells(shown), _TESTS, width)
        parts += ["", _shown(cells, width), *_notes(notes)]
    if report.warnings:
        parts.append("")
        parts += [
            Text.assemble(("warning: ", "bold yellow"), one_line(warning.text)) for warning in report.warnings
        ]
    if report.damaged:
        parts.append("")
        parts += [Text.assemble(("left out: ", "bold red"), one_line(line)) for line in report.damaged]
    if report.failures:
        parts.append("")
        parts += [
            Text.assemble(("failed: ", "bold red"), one_line(str(failure))) for failure in report.failures
        ]
    return parts


def _fitted(cells: Cells, dispensable: Sequence[str], width: int, folded: int = 1_000) -> Cells:
    """Return the table without as many dispensable columns as it takes to fit, words folded to `folded`."""
    for header in dispensable:
        if _width(cells, folded) <= width:
            break
        cells = cells.without(header)
    return cells


def _width(cells: Cells, folded: int = 1_000) -> int:
    columns = zip(cells.headers, *cells.lines, strict=True)
    widths = [max(map(cell_len, column)) for column in columns]
    return sum(min(w, folded) if 0 < i < cells.words else w for i, w in enumerate(widths)) + 3 * len(widths)


def _shown(cells: Cells, width: int) -> RenderableType:
    """Return the table, or, where no table of it is as narrow as that, its rows one below the other."""
    return _table(cells) if _width(cells, _NARROWEST) <= width else _listed(cells)


def _listed(cells: Cells) -> RenderableType:
    rows = Table(title=cells.title, title_justify="left", title_style="bold", box=None, show_header=False)
    rows.add_column(style="dim", max_width=16)
    rows.add_column(overflow="fold")
    for line in cells.lines:
        for header, cell in zip(cells.headers, line, strict=True):
            if cell:
                rows.add_row(Text(header), Text(cell))
        rows.add_row()
    return rows


def _table(cells: Cells) -> Table:
    table = Table(title=cells.title, title_justify="left", title_style="bold", box=SIMPLE_HEAD)
    for i, header in enumerate(cells.headers):
        words = i < cells.words
        justify: Literal["left", "right"] = "left" if words or header in _WORDS else "right"
        # Only words are broken: half a figure is another figure.
        broken = words and i > 0
        table.add_column(
            Text(header),
            justify=justify,
            overflow="fold",
            no_wrap=not broken,
            min_width=_NARROWEST if broken else None,
        )
    for line in cells.lines:
        table.add_row(*map(Text, line))
    return table


def _notes(lines: Sequence[str]) -> list[RenderableType]:
    return [Text(one_line(line), "dim") for line in lines]
