"""The results of a running study as a table: one row per configuration, its seeds combined."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from statistics import fmean

from rich.table import Table
from rich.text import Text

from ctcbench.files.text import printable
from ctcbench.reporting.number_format import percent
from ctcbench.results.result import Result
from ctcbench.study.plan import Plan
from ctcbench.study.scale import scale_note
from ctcbench.study.trial_labels import entry_label


def study_table(
    plan: Plan,
    results: Mapping[str, Mapping[str, Result]],
    failed: Collection[str],
    *,
    room: int | None = None,
) -> Table:
    """Return a table with one row per configuration.

    With more configurations than `room`, those with results or failures come first and the rest is left out.
    """
    rows: dict[str, tuple[list[Result], int, int]] = {}
    for model in plan.models:
        for entry in model.entries:
            # Without the seed, so that the seeds of a configuration share a row.
            name = entry_label(entry, plan.varied, without=("seed",))
            found, failures, count = rows.get(name, ([], 0, 0))
            if result := results[model.key].get(entry.result_key):
                found.append(result)
            elif model.key in failed:
                failures += 1
            rows[name] = (found, failures, count + 1)
    title = scale_note(plan.scale) or None
    table = Table(box=None, padding=(0, 2, 0, 0), title=title, title_justify="left", title_style="yellow")
    table.add_column("configuration", overflow="fold")
    for header in ("done", "exact", "lowest – highest", "CER"):
        table.add_column(header, justify="right", no_wrap=True)
    chosen = list(rows.items())
    if room is not None and len(rows) > room:
        # Sorting is stable, so the order of the study is kept among equals.
        chosen = sorted(chosen, key=lambda row: not (row[1][0] or row[1][1]))[:room]
    for name, (found, failures, count) in chosen:
        done = Text(f"{len(found)}/{count}").append(f" {failures} failed" if failures else "", "red")
        table.add_row(Text(printable(name)), done, *_metrics_of(found))
    return table


def _metrics_of(found: Sequence[Result]) -> tuple[str, str, str]:
    if not found:
        return ("", "", "")
    exact = [result.score.exact for result in found]
    spread = f"{percent(min(exact))} – {percent(max(exact))}" if len(exact) > 1 else ""
    cers = [result.score.cer for result in found if result.score.cer is not None]
    return (percent(fmean(exact)), spread, percent(fmean(cers)) if cers else "")
