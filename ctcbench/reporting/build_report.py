"""build_report(): stored results to a `Report`: rows over seeds, effects, paired tests, warnings."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ctcbench.contract.hooks import Column
from ctcbench.reporting.axes import find_axes, group, settings_of
from ctcbench.reporting.comparisons import compare
from ctcbench.reporting.effects import find_effects
from ctcbench.reporting.report_model import Comparison, Failure, Report, Row, Verdict, Warn
from ctcbench.reporting.report_rows import make_rows
from ctcbench.reporting.report_warnings import find_cautions, numbers
from ctcbench.reporting.study_lookup import Studied, of
from ctcbench.results.result import Result
from ctcbench.study.scale import scale_note


def build_report(
    results: Sequence[Result],
    by: Sequence[str] | None = None,
    *,
    columns: Sequence[Column] = (),
    damaged: Sequence[str] = (),
    failures: Sequence[Failure] = (),
    studied: Mapping[Path, Studied] | None = None,
) -> Report:
    """Return the report of `results`, each with its `path`; an empty one where there are none.

    Args:
        results: in any order; of those that have every setting alike, the one begun last counts.
        by: the settings that make rows; by default every one that differs, but for the seed.
        columns: the plugins' extra columns.
        damaged: a line for each file that could not be read, passed on.
        failures: the runs that gave no result, passed on.
        studied: what studies call the results' configurations, and what they shrank them by.

    Raises:
        UsageError: `by` names a setting that there is not.
    """
    kept, dropped = _latest(results)
    axes = find_axes(kept, by if kept else None, studied)
    rows = make_rows(group(kept, axes), axes, columns)
    comparisons, tests = compare(rows)
    effects = find_effects(rows, axes.names)
    rows = [_marked(row, comparisons) for row in rows]
    return Report(
        axes=axes.names,
        common=axes.common,
        rows=tuple(rows),
        effects=tuple(effects),
        comparisons=tuple(comparisons),
        tests=tests,
        warnings=(*dropped, *find_cautions(rows, axes, effects, comparisons)),
        damaged=tuple(damaged),
        failures=tuple(failures),
        scaled=_scaled(rows, studied or {}),
    )


def _scaled(rows: Sequence[Row], studied: Mapping[Path, Studied]) -> str:
    """Return what is to be said of rows that are of shrunk studies; an empty text where there are none."""
    found: dict[str, dict[int, None]] = {}
    for row in rows:
        for member in row.members:
            known = of(member.result, studied)
            found.setdefault(scale_note(known.scale) if known else "", {})[row.number] = None
    if len(found) == 1:
        return next(iter(found))
    return "; ".join(f"{numbers(list(which))} {text}" for text, which in found.items() if text)


def _latest(results: Sequence[Result]) -> tuple[list[Result], list[Warn]]:
    """Return the results without those that another one repeats, which would count one draw twice."""
    newest: dict[str, Result] = {}
    repeated: list[str] = []
    for result in sorted(results, key=lambda result: (_started(result), str(result.path))):
        key = json.dumps(settings_of(result), sort_keys=True, default=str)
        if key in newest:
            repeated.append(str(newest[key].path))
        newest[key] = result
    if not repeated:
        return list(newest.values()), []
    listed = ", ".join(sorted(repeated)[:3]) + (f" and {len(repeated) - 3} more" if len(repeated) > 3 else "")
    text = f"left out, as a later result has the same settings, the seed included: {listed}"
    return list(newest.values()), [Warn("repeated", text)]


def _started(result: Result) -> str:
    started: Any = result.provenance.get("started")
    return started if isinstance(started, str) else ""


def _marked(row: Row, comparisons: Sequence[Comparison]) -> Row:
    def beaten(verdict: Verdict) -> tuple[int, ...]:
        return tuple(c.second for c in comparisons if c.first == row.number and c.verdict == verdict)

    return replace(row, better_than=beaten("better"), better_on_images=beaten("on these images"))
