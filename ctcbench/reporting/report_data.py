"""A report for programs: CSV of its rows in full precision, JSON of all of it."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ctcbench.reporting.members import Member
from ctcbench.reporting.plateaus import Plateaus
from ctcbench.reporting.report_model import Report, Row

SCHEMA = 1


def to_csv(report: Report) -> str:
    """Return a line for each row: axes, every figure in full, marks, cost, runs; lists parted by ``;``."""
    records = [_record(row) for row in report.rows]
    text = io.StringIO()
    writer = csv.DictWriter(
        text, list(dict.fromkeys(name for record in records for name in record)), lineterminator="\n"
    )
    if records:
        writer.writeheader()
        writer.writerows(records)
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
    return json.dumps(_plain(document), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _record(row: Row) -> dict[str, Any]:
    flat: dict[str, Any] = {"row": row.number, **row.axes, "n": row.n, "seeds": _joined(row.seeds)}
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
    return flat | dict(row.columns) | {"runs": _joined(row.folders)}


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
