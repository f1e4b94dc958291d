"""A report for programs: CSV of its rows in full precision, JSON of all of it."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import math
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ctcbench.files.text import one_line
from ctcbench.reporting.members import Member
from ctcbench.reporting.plateaus import Plateaus
from ctcbench.reporting.report_model import Report, Row

SCHEMA = 1


def to_csv(report: Report) -> str:
    """Return a line for each row: axes, every figure in full, marks, cost, runs; lists parted by ``;``.

    A setting or a plugin's column with the name of a figure is called ``setting_…`` or ``plugin_…``. Texts
    that a spreadsheet would take for formulas have a ``'`` before them.
    """
    figures = [_figures(row) for row in report.rows]
    taken = {"row", "runs"}.union(*figures)
    records = [_record(row, found, taken) for row, found in zip(report.rows, figures, strict=True)]
    names = list(dict.fromkeys(name for record in records for name in record))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    if records:
        writer.writerow(map(_cell, names))
        writer.writerows([_cell(record.get(name)) for name in names] for record in records)
    return text.getvalue()


def to_json(report: Report) -> str:
    """Return the whole report as one JSON document; each run's result is in it as it is stored."""
    document = {
        "schema": SCHEMA,
        "axes": report.axes,
        "common": report.common,
        "scaled": report.scaled,
        "rows": [_row(row) for row in report.rows],
        "effects": [asdict(effect) | {"within_noise": effect.within_noise} for effect in report.effects],
        "comparisons": [asdict(comparison) for comparison in report.comparisons],
        "tests": report.tests,
        "warnings": [asdict(warning) for warning in report.warnings],
        "damaged": report.damaged,
        "failures": [asdict(failure) for failure in report.failures],
    }
    text = json.dumps(_plain(document), indent=2, ensure_ascii=False, allow_nan=False)
    # What can't be shown stands in texts alone; escaped, it is the same to a program.
    shown = (c if c.isprintable() or c == "\n" else json.dumps(c)[1:-1] for c in text)
    return "".join(shown) + "\n"


def _record(row: Row, figures: Mapping[str, Any], taken: AbstractSet[str]) -> dict[str, Any]:
    settings = {_free(name, taken, "setting"): value for name, value in row.axes.items()}
    taken = taken | settings.keys()
    columns = {_free(header, taken, "plugin"): text for header, text in row.columns}
    return {"row": row.number, **settings, **figures, **columns, "runs": _joined(row.folders)}


def _free(name: str, taken: AbstractSet[str], kind: str) -> str:
    name = one_line(name)
    while name in taken:
        name = f"{kind}_{name}"
    return name


def _cell(value: Any) -> Any:
    """Return a figure as it is, a text as one line that no spreadsheet computes."""
    if not isinstance(value, str):
        return value
    text = one_line(value)
    return f"'{text}" if text.startswith(("=", "+", "-", "@")) and not _are_numbers(text) else text


def _are_numbers(text: str) -> bool:
    with contextlib.suppress(ValueError):
        return bool([float(part) for part in text.split(";") if part])
    return False


def _figures(row: Row) -> dict[str, Any]:
    flat: dict[str, Any] = {"n": row.n, "seeds": _joined(row.seeds)}
    for name, estimate in row.metrics.items():
        low, high = estimate.interval or (None, None)
        flat |= {name: estimate.mean, f"{name}_sd": estimate.sd, f"{name}_low": low, f"{name}_high": high}
        flat[f"{name}_values"] = _joined(estimate.values)
    flat["interval_over"] = row.metrics["exact"].over
    flat |= {"best_seed": row.seeds[row.best], "best_exact": row.metrics["exact"].values[row.best]}
    flat |= {"collapsed": row.collapse.count, "collapsed_low": row.collapse.interval[0]}
    flat |= {"collapsed_high": row.collapse.interval[1], "plateau_left": _joined(row.plateau_left)}
    flat |= {f"plateau_{name}": value for name, value in Plateaus.of(row).to_json().items() if name != "left"}
    for name, estimate in row.cost.items():
        flat |= {name: estimate.mean, f"{name}_sd": estimate.sd}
    flat |= {"better_than": _joined(row.better_than), "better_on_images": _joined(row.better_on_images)}
    if row.talk:
        flat |= {"talk_preset": row.talk.preset, "talk_scaled": row.talk.scaled}
        flat |= {f"talk_{name}": value for name, value in row.talk.metrics.items()}
    return flat


def _row(row: Row) -> dict[str, Any]:
    return {
        "number": row.number,
        "axes": row.axes,
        "n": row.n,
        "seeds": row.seeds,
        "metrics": {name: asdict(estimate) for name, estimate in row.metrics.items()},
        "cost": {name: asdict(estimate) for name, estimate in row.cost.items()},
        "collapse": asdict(row.collapse),
        "best": {"seed": row.seeds[row.best], "run": row.folders[row.best]},
        "plateau": Plateaus.of(row).to_json(),
        "plateau_left": row.plateau_left,
        "talk": asdict(row.talk) if row.talk else None,
        "better_than": row.better_than,
        "better_on_images": row.better_on_images,
        "columns": dict(row.columns),
        "runs": [_run(member) for member in row.members],
    }


def _run(member: Member) -> dict[str, Any]:
    return {"run": member.folder, **member.result.to_json()}


def _joined(values: tuple[Any, ...]) -> str:
    return ";".join("" if value is None else str(value) for value in values)


def _plain(value: Any) -> Any:
    """Return what JSON has words for: paths as text, numbers that are not finite as null."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return str(value) if isinstance(value, Path) else value
