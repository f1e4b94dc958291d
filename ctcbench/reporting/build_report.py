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
from ctcbench.reporting.number_format import row_numbers
from ctcbench.reporting.report_model import Comparison, Failure, Report, ReportWarning, Row, Verdict
from ctcbench.reporting.report_rows import make_rows
from ctcbench.reporting.report_warnings import find_warnings
from ctcbench.reporting.study_records import StudiedConfiguration, studied_configuration
from ctcbench.results.result import Result
from ctcbench.study.scale import scale_note


def build_report(
    results: Sequence[Result],
    by: Sequence[str] | None = None,
    *,
    columns: Sequence[Column] = (),
    damaged: Sequence[str] = (),
    failures: Sequence[Failure] = (),
    studied: Mapping[Path, StudiedConfiguration] | None = None,
) -> Report:
    """Return the report of `results`, each with its `path`; an empty one if there are none.

    Args:
        results: in any order. Of results that are equal in every setting only the one started last is used.
        by: the settings that distinguish rows; by default every one that differs, except the seed.
        columns: extra columns of plugins.
        damaged: a line for each file that cannot be read, recorded in the report.
        failures: runs without a result, recorded in the report.
        studied: names and scales of configurations in studies, by result path.

    Raises:
        UsageError: `by` names a setting that does not exist.
    """
    kept, dropped = _drop_repeated(results)
    # Without results no setting of `by` exists, which is not the user's mistake.
    axes = find_axes(kept, by if kept else None, studied)
    rows = make_rows(group(kept, axes), axes, columns)
    comparisons, tests = compare(rows)
    effects = find_effects(rows, axes.names)
    # The tests need the rows' numbers, and the marks need the tests, so the rows are completed afterwards.
    rows = [_add_marks(row, comparisons) for row in rows]
    return Report(
        axes=axes.names,
        common=axes.common,
        rows=tuple(rows),
        effects=tuple(effects),
        comparisons=tuple(comparisons),
        tests=tests,
        warnings=(*dropped, *find_warnings(rows, axes, effects, comparisons)),
        damaged=tuple(damaged),
        failures=tuple(failures),
        scaled=_describe_scales(rows, studied or {}),
    )


def _describe_scales(rows: Sequence[Row], studied: Mapping[Path, StudiedConfiguration]) -> str:
    """Return which rows are of scaled studies, and their scales; an empty text if none are."""
    found: dict[str, dict[int, None]] = {}
    for row in rows:
        for member in row.members:
            known = studied_configuration(member.result, studied)
            found.setdefault(scale_note(known.scale) if known else "", {})[row.number] = None
    # One scale for all rows needs no row numbers.
    if len(found) == 1:
        return next(iter(found))
    return "; ".join(f"{row_numbers(list(which))} {text}" for text, which in found.items() if text)


def _drop_repeated(results: Sequence[Result]) -> tuple[list[Result], list[ReportWarning]]:
    """Return the results without repetitions of one configuration and seed, and a warning that lists them."""
    # Two results of one configuration and seed are the same draw, which must not count twice.
    newest: dict[str, Result] = {}
    repeated: list[str] = []
    # Times are in UTC in ISO 8601, so their order as text is the order in time.
    for result in sorted(results, key=lambda result: (_start_time(result), str(result.path))):
        key = json.dumps(settings_of(result), sort_keys=True, default=str)
        if key in newest:
            repeated.append(str(newest[key].path))
        newest[key] = result
    if not repeated:
        return list(newest.values()), []
    listed = ", ".join(sorted(repeated)[:3]) + (f" and {len(repeated) - 3} more" if len(repeated) > 3 else "")
    text = f"left out, because a later result has the same settings and seed: {listed}"
    return list(newest.values()), [ReportWarning("repeated", text)]


def _start_time(result: Result) -> str:
    started: Any = result.provenance.get("started")
    return started if isinstance(started, str) else ""


def _add_marks(row: Row, comparisons: Sequence[Comparison]) -> Row:
    def beaten(verdict: Verdict) -> tuple[int, ...]:
        return tuple(c.second for c in comparisons if c.first == row.number and c.verdict == verdict)

    return replace(row, better_than=beaten("better"), better_on_images=beaten("on these images"))
