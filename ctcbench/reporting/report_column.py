"""ReportColumn: the type of an entry in the tables of columns of a report."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

from ctcbench.evaluation.metrics import Format
from ctcbench.reporting.report_model import Report, Row, SeedEstimate

T = TypeVar("T")
Fields = Mapping[str, Any]
# Labels are broken over several lines before columns of this or a higher priority are left out.
FOLD_FROM = 12


@dataclass(frozen=True)
class ReportColumn(Generic[T]):
    """One column of a table whose lines show items of type T (rows, main effects or paired tests).

    Attributes:
        header: the header; it is also the name of the field in CSV and JSON, unless `data` names others.
        text: the cell in terminal, Markdown and LaTeX, and in HTML unless `cell` draws it.
        value: a number to sort by in HTML, and the field in CSV and JSON; None: the text is used.
        kind: "key" and "label" identify the line (a label may be broken over several lines), "text" is
            aligned left, "number" right.
        help: tooltip of the header in HTML.
        note: a sentence for the legend below the table; empty if there is nothing to explain.
        shown: whether the report's tables have the column. CSV and JSON always do.
        priority: narrow terminals leave out the column with the lowest number first; None: never.
        latex: the LaTeX table with the column, "results" or "cost"; empty: none, as a page is narrow.
        cell: the macro of ``templates/cells.html`` that draws the cell.
        data: the fields in CSV (flat).
        nested: the fields in JSON; mappings of several columns under one key are merged.
        origin: "setting" or "plugin" if others chose the header. CSV renames such a field if its name
            is taken.
    """

    header: str
    text: Callable[[T], str]
    value: Callable[[T], float | None] | None = None
    kind: Literal["key", "label", "text", "number"] = "number"
    help: str = ""
    note: Callable[[Report], str] = lambda report: ""
    shown: Callable[[Report], bool] = lambda report: True
    priority: int | None = None
    latex: Literal["results", "cost", ""] = ""
    cell: str = "plain"
    data: Callable[[T], Fields] | None = None
    nested: Callable[[T], Fields] | None = None
    origin: Literal["", "setting", "plugin"] = ""

    def fields(self, item: T, *, flat: bool) -> Fields:
        """Return the column's fields of an item, for CSV (`flat`) or JSON."""
        # CSV has one level of names, JSON may nest them, so a column can name its fields for each.
        given = self.data if flat else self.nested
        if given is not None:
            return given(item)
        return {self.header: self.text(item) if self.value is None else self.value(item)}


RowColumn = ReportColumn[Row]


def plus_minus(estimate: SeedEstimate | None, form: Format) -> str:
    """Return ``91.95 ± 0.42``: mean and standard deviation, without the latter for one seed."""
    if estimate is None:
        return ""
    mean = f"{estimate.mean * form.scale:.{form.digits}f}"
    return mean if estimate.sd is None else f"{mean} ± {estimate.sd * form.scale:.{form.digits}f}"


def join_values(values: Sequence[Any]) -> str:
    """Return values as one field of CSV, separated by semicolons; None is empty."""
    return ";".join("" if value is None else str(value) for value in values)
