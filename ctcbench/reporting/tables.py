"""The tables of a report: results, main effects and paired tests, as columns and lines of plain text."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Generic, Literal

from ctcbench.files.text import one_line
from ctcbench.reporting.columns import result_columns
from ctcbench.reporting.effect_columns import COMPARISON_COLUMNS, EFFECT_COLUMNS, EffectPair, effect_pairs
from ctcbench.reporting.report_column import ReportColumn, T
from ctcbench.reporting.report_model import Comparison, Report, Row
from ctcbench.reporting.setup_notes import setup_note

_MEANS = ("primary", "estimate")  # cells that show mean ± standard deviation
SCALED = "not the study at its full size; configurations that train on 16 images or fewer are not scaled"


@dataclass(frozen=True)
class Table(Generic[T]):
    """A table: ``lines`` has a text for each item and column, each on one line.

    Settings, names of folders and headers of plugins are not ours; line breaks and control characters in
    them are spelled out.
    """

    title: str
    columns: tuple[ReportColumn[T], ...]
    items: tuple[T, ...]
    lines: tuple[tuple[str, ...], ...] = field(default=())

    def __post_init__(self) -> None:
        # The texts are computed once; tables with fewer columns take them over.
        if not self.lines:
            lines = (tuple(one_line(column.text(item)) for column in self.columns) for item in self.items)
            # A frozen dataclass can be assigned to in no other way.
            object.__setattr__(self, "lines", tuple(lines))

    @property
    def headers(self) -> tuple[str, ...]:
        """The headers, each on one line."""
        return tuple(one_line(column.header) for column in self.columns)

    def keep(self, wanted: Callable[[ReportColumn[T]], bool]) -> Table[T]:
        """Return the table with only the columns that are `wanted`."""
        kept = [i for i, column in enumerate(self.columns) if wanted(column)]
        # The texts are passed on rather than computed again: terminals drop columns one by one.
        lines = tuple(tuple(line[i] for i in kept) for line in self.lines)
        return replace(self, columns=tuple(self.columns[i] for i in kept), lines=lines)

    def without_empty_columns(self) -> Table[T]:
        """Return the table without the columns, except labels, that have no text in any line."""
        filled = {
            column.header
            for index, column in enumerate(self.columns)
            if column.kind == "label" or any(line[index] for line in self.lines)
        }
        return self.keep(lambda column: column.header in filled)

    def by_priority(self) -> list[ReportColumn[T]]:
        """Return the columns that may be left out, in the order in which they are left out."""
        found = [column for column in self.columns if column.priority is not None]
        # sorted() is stable: columns of equal priority go from left to right.
        return sorted(found, key=lambda column: column.priority or 0)

    def join_labels(self) -> Table[T]:
        """Return the table with its label columns put into one, their texts separated by a space."""
        labels = [i for i, column in enumerate(self.columns) if column.kind == "label"]
        if len(labels) < 2:
            return self
        first, last = labels[0], labels[-1] + 1  # label columns are adjacent
        header = " ".join(self.headers[first:last])
        column = replace(self.columns[first], header=header)
        columns = (*self.columns[:first], column, *self.columns[last:])
        lines = tuple((*line[:first], " ".join(line[first:last]), *line[last:]) for line in self.lines)
        return replace(self, columns=columns, lines=lines)


AnyTable = Table[Any]
AnyColumn = ReportColumn[Any]


@dataclass(frozen=True)
class Analysis:
    """A table of statistics over the rows, with its legend.

    Attributes:
        name: "effects" or "tests".
        table: the table.
        legend: what its columns mean.
        total: the number of items in the report; the table may have only those with the best rows.
    """

    name: Literal["effects", "tests"]
    table: AnyTable
    legend: str
    total: int

    @property
    def heading(self) -> str:
        """The title of the table, with a capital letter."""
        return self.table.title[0].upper() + self.table.title[1:]

    @property
    def is_cut(self) -> bool:
        """Whether the table has only some of the items."""
        return self.total > len(self.table.items)


def result_table(report: Report) -> Table[Row]:
    """Return the table of the rows."""
    title = f"results, {report.scaled}" if report.scaled else "results"
    columns = tuple(column for column in result_columns(report) if column.shown(report))
    return Table(title, columns, report.rows)


def effect_table(report: Report) -> Table[EffectPair]:
    """Return the table of main effects: for each change of a level its effect on exact accuracy and CER."""
    return Table("main effects", EFFECT_COLUMNS, tuple(effect_pairs(report.effects)))


def comparison_table(comparisons: Sequence[Comparison]) -> Table[Comparison]:
    """Return the table of paired tests; p-values are those after Holm's correction."""
    return Table("paired tests", COMPARISON_COLUMNS, tuple(comparisons))


def analyses(report: Report, most_comparisons: float = math.inf) -> list[Analysis]:
    """Return the tables of main effects and of paired tests, as far as the report has them.

    If there are more than `most_comparisons` paired tests, those with the best row of the same test images
    are returned.
    """
    found = []
    if report.effects:
        table = effect_table(report)
        found.append(Analysis("effects", table, _EFFECTS_LEGEND, len(table.items)))
    if all_tests := report.comparisons:
        # Whether the others differ from the best row is what a reader needs first. The best row of some test
        # images is the second of no test.
        is_cut = len(all_tests) > most_comparisons
        others = {c.second for c in all_tests}
        shown = tuple(c for c in all_tests if c.first not in others) if is_cut else all_tests
        found.append(Analysis("tests", comparison_table(shown), _COMPARISONS_LEGEND, len(all_tests)))
    return found


def legend(report: Report, table: Table[Row]) -> list[str]:
    """Return what the columns and marks of a results table mean, one or two sentences each."""
    notes = [f"{report.scaled[0].upper()}{report.scaled[1:]}: {SCALED}."] if report.scaled else []
    means = [column.header.removesuffix(" %") for column in table.columns if column.cell in _MEANS]
    if means:
        notes += [setup] if (setup := setup_note(report)) else []
        notes.append(
            f"{', '.join(means)}: mean ± standard deviation over the n seeds of a configuration; "
            "95 % interval: Student's over seeds, or (i) over test images for a single seed."
        )
    return notes + [note for column in table.columns if (note := column.note(report))]


_EFFECTS_LEGEND = (
    "Mean difference between runs that agree in every other axis and in the seed; "
    "95 % interval: Student's over the seeds' means."
)
_COMPARISONS_LEGEND = (
    "First row minus second; images: those that the first row read correctly in more of its runs : those "
    "that the second did; "
    "p after Holm's correction: McNemar's exact test over images, t-test of exact accuracy over seeds, "
    "paired bootstrap of the CER over images (its interval is not corrected)."
)
