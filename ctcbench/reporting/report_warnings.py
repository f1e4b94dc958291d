"""Warnings of a report: what a reader of its figures should know before believing them."""

from __future__ import annotations

import shlex
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from ctcbench.reporting.axes import Axes
from ctcbench.reporting.comparisons import ALL_PAIRS, is_comparable
from ctcbench.reporting.members import Member
from ctcbench.reporting.number_format import host
from ctcbench.reporting.report_model import Comparison, Effect, Row, Warn

FEW_SEEDS = 3
FEW_IMAGES = 100


def find_cautions(
    rows: Sequence[Row], axes: Axes, effects: Sequence[Effect], comparisons: Sequence[Comparison]
) -> list[Warn]:
    """Return the warnings, those about the whole report first."""
    found = [*_of_axes(axes), *_of_numbers(rows), *_of_images(rows), *_of_noise(rows, effects, comparisons)]
    return [*found, *_of_machines(rows), *_of_talk(rows)]


def numbers(rows: Sequence[int]) -> str:
    """Return the numbers of rows as ``row 3`` or ``rows 1–3, 5``."""
    return f"row{'s' if len(rows) > 1 else ''} {ranges(rows)}"


def ranges(found: Sequence[int]) -> str:
    """Return whole numbers as ``1–3, 5``."""
    runs: list[list[int]] = []
    for number in sorted(set(found)):
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ", ".join(
        str(run[0]) if len(run) == 1 else f"{run[0]}{'–' if len(run) > 2 else ', '}{run[-1]}" for run in runs
    )


def _of_axes(axes: Axes) -> Iterator[Warn]:
    if axes.pooled:
        listed = ", ".join(axes.pooled)
        yield Warn("pooled", f"rows put together runs that differ in {listed}; --by {listed} parts them")
    for axis, others in axes.aliases.items():
        listed = ", ".join(others)
        text = f"{listed} change{'' if len(others) > 1 else 's'} together with {axis or 'the axes'}"
        yield Warn("confounded", f"{text}: whose effect it is can't be told")


def _of_numbers(rows: Sequence[Row]) -> Iterator[Warn]:
    single = [row.number for row in rows if row.n == 1]
    few = [row.number for row in rows if 1 < row.n < FEW_SEEDS]
    if single:
        yield Warn(
            "few seeds",
            f"{numbers(single)}: one seed each, too few to say what another seed would give; intervals "
            "(i) are over images, and differences are of these models, not of their configurations",
            tuple(single),
        )
    if few:
        yield Warn(
            "few seeds",
            f"{numbers(few)}: {FEW_SEEDS - 1} seeds each, too few for intervals that say much",
            tuple(few),
        )
    seeds = defaultdict(list)
    for row in rows:
        seeds[tuple(sorted({str(seed) for seed in row.seeds}))].append(row.number)
    if len(seeds) > 1:
        listed = "; ".join(f"{', '.join(key)} ({numbers(found)})" for key, found in list(seeds.items())[:4])
        more = f"; and {len(seeds) - 4} other sets" if len(seeds) > 4 else ""
        yield Warn("unbalanced", f"rows have different seeds: {listed}{more}")


def _of_images(rows: Sequence[Row]) -> Iterator[Warn]:
    small = [row.number for row in rows if min(m.result.score.images for m in row.members) < FEW_IMAGES]
    if small:
        text = f"{numbers(small)}: fewer than {FEW_IMAGES} test images, too few to say much"
        yield Warn("few images", text, tuple(small))
    sets = _by_value(rows, lambda member: member.fingerprint)
    if len(sets) > 1:
        listed = "; ".join(f"{key[:12] or 'not recorded'} ({numbers(found)})" for key, found in _some(sets))
        yield Warn("test sets", f"test sets differ, and rows of different ones are not compared: {listed}")
    without = [row.number for row in rows if any(m.predictions is None for m in row.members)]
    if without:
        yield Warn("no predictions", f"{numbers(without)}: {_without_predictions(rows)}", tuple(without))
    mixed = [row.number for row in rows if row.number not in without and not is_comparable(row)]
    if mixed and len(rows) > 1:
        text = f"{numbers(mixed)}: not in the paired tests, as their runs read different test images"
        yield Warn("not compared", text, tuple(mixed))
    if len(rows) - len(without) - len(mixed) > ALL_PAIRS:
        text = f"more than {ALL_PAIRS} rows: each is compared with the best alone, not with every other"
        yield Warn("many rows", text)


def _without_predictions(rows: Sequence[Row]) -> str:
    """Return what is missing without stored predictions, and the command that stores them."""
    lacking = [member for row in rows for member in row.members if member.predictions is None]
    run, decoder = str(lacking[0].folder), str(lacking[0].result.config.get("decoder"))
    command = f"ctcbench decode {shlex.quote(run)} --decoder {shlex.quote(decoder)}"
    others = f" ({len(lacking)} results lack them)" if len(lacking) > 1 else ""
    return f"not in the paired tests, as no predictions are stored; `{command}` stores them{others}"


def _of_noise(
    rows: Sequence[Row], effects: Sequence[Effect], comparisons: Sequence[Comparison]
) -> Iterator[Warn]:
    tied = [c.second for c in comparisons if c.first == 1 and c.verdict == "noise"]
    if tied:
        yield Warn("noise", f"{numbers(tied)}: the difference from row 1 is within noise", tuple(tied))
    shaky = [
        c.second
        for c in comparisons
        if c.first == 1 and c.verdict == "on these images" and c.seeds is not None
    ]
    if shaky:
        text = "read these images worse than row 1, but between seeds that much is within noise"
        yield Warn("noise", f"{numbers(shaky)}: {text}", tuple(shaky))
    even = [
        f"{e.axis} {e.level} for {e.baseline}"
        for e in effects
        if e.metric == "exact" and e.within_noise and e.interval
    ]
    if even:
        yield Warn("noise", f"main effects on exact accuracy within noise: {'; '.join(even)}")


def _of_machines(rows: Sequence[Row]) -> Iterator[Warn]:
    machines = _by_value(rows, lambda member: host(_mapping(member.result.provenance)))
    if len(machines) > 1:
        listed = "; ".join(f"{key} ({numbers(found)})" for key, found in _some(machines))
        yield Warn("hardware", f"hardware differs, so that times can't be compared: {listed}")
    for kind in ("versions", "plugins"):
        names = {
            name for row in rows for m in row.members for name in _mapping(m.result.provenance.get(kind))
        }
        for name in sorted(names):

            def version(member: Member, kind: str = kind, name: str = name) -> str:
                return str(_mapping(member.result.provenance.get(kind)).get(name) or "none")

            found = _by_value(rows, version)
            if len(found) > 1:
                listed = "; ".join(f"{key} ({numbers(rows_)})" for key, rows_ in _some(found))
                yield Warn("versions", f"{name} differs: {listed}")


def _of_talk(rows: Sequence[Row]) -> Iterator[Warn]:
    for row in rows:
        if row.talk and row.talk.scaled:
            text = f"row {row.number}: {row.talk.preset} at another size than the talk's ({row.talk.scaled})"
            yield Warn("scaled", text, (row.number,))


def _by_value(rows: Sequence[Row], value: Callable[[Member], str]) -> dict[str, list[int]]:
    """Return the rows that have each value; a row whose runs differ is under several."""
    found: dict[str, dict[int, None]] = {}
    for row in rows:
        for member in row.members:
            found.setdefault(value(member), {})[row.number] = None
    return {key: list(numbered) for key, numbered in found.items()}


def _some(found: Mapping[str, list[int]]) -> list[tuple[str, list[int]]]:
    return list(found.items())[:6]


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
