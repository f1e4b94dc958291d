"""Axes: the settings that distinguish results, and the results grouped by them."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ctcbench.config.run_config import RunConfig, setting_fields
from ctcbench.contract.errors import UsageError, nearest
from ctcbench.reporting.report_model import CONFIGURATION
from ctcbench.reporting.study_records import StudiedConfiguration, studied_configuration
from ctcbench.results.result import Result

SEED = "seed"


@dataclass(frozen=True)
class Axes:
    """How results are grouped into rows.

    Attributes:
        names: settings that distinguish rows.
        aliases: by axis, the other settings that change together with it; under "" those that change
            with a combination of axes.
        pooled: settings that differ within a row.
        common: settings that are the same in all results.
        chosen: settings that differ because budgets of training time chose them.
        studied: what studies record of the results, by path; the names of configurations are from it.
    """

    names: tuple[str, ...]
    aliases: Mapping[str, tuple[str, ...]]
    pooled: tuple[str, ...]
    common: Mapping[str, Any]
    studied: Mapping[Path, StudiedConfiguration] = field(default_factory=dict)
    chosen: tuple[str, ...] = ()

    def value(self, result: Result, name: str) -> str:
        """Return a result's value on an axis, as on the command line."""
        if name == CONFIGURATION:
            return _name(result, self.studied)
        return show(settings_of(result).get(name))


def settings_of(result: Result) -> dict[str, Any]:
    """Return every setting of a result; settings that are newer than the result have their default."""
    # A result keeps the settings that its version had. A later setting had its default's effect then.
    return {**_defaults(), **result.config}


def show(value: Any) -> str:
    """Return a setting's value as on the command line."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return "auto" if value is None else str(value)


def find_axes(
    results: Sequence[Result],
    by: Sequence[str] | None,
    studied: Mapping[Path, StudiedConfiguration] | None = None,
) -> Axes:
    """Return the axes: those of `by`, or every setting except the seed that differs.

    If studies have names for all results, and more than one, the axis ``configuration`` comes first and
    replaces every setting that it determines. Settings that change only together form one axis under the
    name of the first.

    Raises:
        UsageError: `by` has a setting that does not exist.
    """
    columns = _columns(results)
    # If only some results have a name, it can't be an axis: the others would have no value on it.
    called = [_name(result, studied or {}) for result in results]
    if all(called) and len(set(called)) > 1:
        columns = {CONFIGURATION: called} | columns
    # From here on, settings are compared by the text that they have on the command line.
    different = [name for name, values in columns.items() if len(set(values)) > 1]
    # What a budget chose follows from the other settings: it is no axis of its own.
    chosen = [name for name in different if name in _chosen(results, studied or {})]
    aliases: dict[str, list[str]] = {}
    decided: list[str] = []
    if CONFIGURATION in columns and CONFIGURATION in (by or [CONFIGURATION]):
        rows = _partition(columns, [CONFIGURATION])
        # The configuration determines a setting if the setting splits none of its groups of results.
        decided = [n for n in different if n != SEED and _partition(columns, [CONFIGURATION, n]) == rows]
        decided.remove(CONFIGURATION)
    if by is None:
        free = [name for name in different if name != SEED and name not in (*decided, *chosen)]
        names = _merge(free, columns, aliases)
    else:
        # `--by head,head` is one axis.
        names = list(dict.fromkeys(by))
        for name in names:
            if name not in columns:
                raise _unknown(name, [*columns])
    # What remains differs between results, but is neither an axis nor explained by one.
    rows = _partition(columns, names)
    covered = {*names, SEED, *decided, *chosen, *(alias for group in aliases.values() for alias in group)}
    rest = [name for name in different if name not in covered]
    # A setting with one value in each row changes with the axes; one with several is pooled.
    moving = [name for name in rest if _partition(columns, [*names, name]) == rows]
    if moving:
        aliases[""] = moving
    return Axes(
        tuple(names),
        {name: tuple(others) for name, others in aliases.items()},
        tuple(name for name in rest if name not in moving),
        _common(results, different),
        studied or {},
        tuple(name for name in chosen if name not in names),
    )


def group(results: Sequence[Result], axes: Axes) -> dict[tuple[str, ...], list[Result]]:
    """Return the results of each combination of the axes' values, in order of seed and path."""
    groups: dict[tuple[str, ...], list[Result]] = {}
    for result in sorted(results, key=_order):
        groups.setdefault(tuple(axes.value(result, name) for name in axes.names), []).append(result)
    return groups


def seed_of(result: Result) -> int | None:
    """Return a result's seed, None if it is not recorded."""
    seed = result.config.get(SEED)
    return seed if isinstance(seed, int) else None


def level_order(level: str) -> tuple[int, float, str]:
    """Return a sort key: numbers by size, before words."""
    try:
        # So that 16, 128, 1024 are in this order, not in that of their text.
        return (0, float(level), level)
    except ValueError:
        return (1, 0.0, level)


def _name(result: Result, studied: Mapping[Path, StudiedConfiguration]) -> str:
    known = studied_configuration(result, studied)
    return known.name if known else ""


def _chosen(results: Sequence[Result], studied: Mapping[Path, StudiedConfiguration]) -> set[str]:
    """Return the settings that budgets of studies chose in all results."""
    known = [studied_configuration(result, studied) for result in results]
    return set.intersection(*(set(found.chosen if found else ()) for found in known)) if known else set()


def _unknown(name: str, known: list[str]) -> UsageError:
    if name == CONFIGURATION:
        return UsageError(f"--by {name}: no study's plan beside the runs has names for all of them")
    return UsageError(f"--by {name}: no such setting{nearest(name, known)} (settings: {', '.join(known)})")


@functools.cache
def _defaults() -> dict[str, Any]:
    return RunConfig().model_dump()


def _columns(results: Sequence[Result]) -> dict[str, list[str]]:
    every = [settings_of(result) for result in results]
    # Settings of other versions of ctcbench are compared like the known ones.
    unknown = sorted({name for settings in every for name in settings} - set(setting_fields()))
    columns = {name: [show(s.get(name)) for s in every] for name in [*setting_fields(), *unknown]}
    # A run without an extra data set has no share of one. It must not look like another value of the share.
    shares = {show(s["extra_share"]) for s in every if s["extra_dataset"]}
    if len(shares) == 1:
        columns["extra_share"] = [*shares] * len(every)
    return columns


def _common(results: Sequence[Result], different: Sequence[str]) -> dict[str, Any]:
    every = [settings_of(result) for result in results]
    # Of those with an extra data set, whose share counts.
    first = next((settings for settings in every if settings["extra_dataset"]), (every or [{}])[0])
    return {name: value for name, value in first.items() if name not in different}


def _merge(
    names: Sequence[str], columns: Mapping[str, list[str]], aliases: dict[str, list[str]]
) -> list[str]:
    kept: dict[tuple[int, ...], str] = {}
    for name in names:
        # Two settings that split the results in the same way have the same effect: they can't be separated.
        partition = _partition(columns, [name])
        if partition in kept:
            aliases.setdefault(kept[partition], []).append(name)
        else:
            kept[partition] = name
    return list(kept.values())


def _partition(columns: Mapping[str, list[str]], names: Sequence[str]) -> tuple[int, ...]:
    """Return a number for each result: the same for results that are equal in all of `names`."""
    seen: dict[tuple[str, ...], int] = {}
    length = len(next(iter(columns.values()), []))
    cells = [tuple(columns[name][i] for name in names) for i in range(length)]
    # Numbered in order of appearance, so that equal partitions are equal tuples.
    return tuple(seen.setdefault(cell, len(seen)) for cell in cells)


def _order(result: Result) -> tuple[int, str]:
    seed = seed_of(result)
    # None can't be compared with numbers.
    return (-1 if seed is None else seed, str(result.path))
