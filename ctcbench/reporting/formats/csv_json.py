"""A report for programs: CSV of its rows in full precision, JSON of all of it."""

from __future__ import annotations

import contextlib
import csv
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ctcbench.files.text import one_line, printable_json, without_controls
from ctcbench.reporting.columns import result_columns
from ctcbench.reporting.members import Member
from ctcbench.reporting.report_column import RowColumn
from ctcbench.reporting.report_model import Report, Row

SCHEMA = 1


def to_csv(report: Report) -> str:
    """Return a line for each row with the fields of every column; lists are separated by ``;``.

    A setting or a column of a plugin that has the name of another field is called ``setting_…`` or
    ``plugin_…``. Texts that a spreadsheet would evaluate as formulas have a ``'`` in front.
    """
    columns = result_columns(report)
    # The report's own fields keep their names; only settings and plugins' columns are renamed.
    own = [column for column in columns if not column.origin]
    taken = {name for row in report.rows for column in own for name in column.fields(row, flat=True)}
    records = [_record(row, columns, taken) for row in report.rows]
    names = list(dict.fromkeys(name for record in records for name in record))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    if records:
        writer.writerow(map(spreadsheet_cell, names))
        writer.writerows([spreadsheet_cell(record.get(name)) for name in names] for record in records)
    return text.getvalue()


def to_json(report: Report) -> str:
    """Return the whole report as one JSON document, with each run's result as it is stored."""
    columns = result_columns(report)
    document = {
        "schema": SCHEMA,
        "axes": report.axes,
        "common": report.common,
        "scaled": report.scaled,
        "rows": [_row(row, columns) for row in report.rows],
        "effects": [asdict(effect) | {"within_noise": effect.within_noise} for effect in report.effects],
        "comparisons": [asdict(comparison) for comparison in report.comparisons],
        "tests": report.tests,
        "warnings": [asdict(warning) for warning in report.warnings],
        "damaged": report.damaged,
        "failures": [asdict(failure) for failure in report.failures],
    }
    # allow_nan=False: JSON has no NaN, and other programs could not read the file.
    return printable_json(_to_plain(document), allow_nan=False) + "\n"


def _record(row: Row, columns: Sequence[RowColumn], taken: set[str]) -> dict[str, Any]:
    record: dict[str, Any] = {}
    for column in columns:
        for name, value in column.fields(row, flat=True).items():
            # In a loop, because a setting may itself be called `setting_n`.
            free = one_line(name)
            while column.origin and (free in taken or free in record):
                free = f"{column.origin}_{free}"
            record[free] = value
    return record


def spreadsheet_cell(value: Any) -> Any:
    """Return a number as it is, and a text as one line that no spreadsheet evaluates."""
    return _without_formula(one_line(value)) if isinstance(value, str) else value


def exact_cell(value: Any) -> Any:
    """Return a number as it is, and a text with all its characters, unless a spreadsheet evaluates it.

    Spaces at its ends stay, and characters that can't be seen; only control characters and line breaks are
    escaped.
    """
    return _without_formula(without_controls(value)) if isinstance(value, str) else value


def _without_formula(text: str) -> str:
    # Spreadsheets evaluate cells that start with these characters (CSV injection), some also after spaces.
    bare = text.strip()
    # One of them alone is no formula.
    is_formula = bare.startswith(("=", "+", "-", "@")) and len(bare) > 1 and not _are_numbers(bare)
    return f"'{text}" if is_formula else text


def _are_numbers(text: str) -> bool:
    # Negative numbers and lists of them begin with a minus sign, and are not formulas.
    with contextlib.suppress(ValueError):
        return bool([float(part) for part in text.split(";") if part])
    return False


def _row(row: Row, columns: Sequence[RowColumn]) -> dict[str, Any]:
    document: dict[str, Any] = {"columns": {}}  # there even without plugins
    for column in columns:
        for name, value in column.fields(row, flat=False).items():
            # Several columns share a key: all metrics are under `metrics`, all axes under `axes`.
            merged = isinstance(value, Mapping) and isinstance(document.get(name), Mapping)
            document[name] = {**document[name], **value} if merged else value
    return document | {"runs": [_run(member) for member in row.members]}


def _run(member: Member) -> dict[str, Any]:
    return {"run": member.folder, **member.result.to_json()}


def _to_plain(value: Any) -> Any:
    """Return a value as JSON can express it: paths as text, numbers that are not finite as null."""
    if isinstance(value, Mapping):
        return {str(key): _to_plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_to_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return str(value) if isinstance(value, Path) else value
