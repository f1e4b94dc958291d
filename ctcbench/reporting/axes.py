"""Which settings tell results apart, and the results of one configuration put together."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ctcbench.config.run_config import RunConfig, setting_fields
from ctcbench.contract.errors import UsageError, nearest
from ctcbench.reporting.study_lookup import Studied, of
from ctcbench.results.result import Result

SEED = "seed"
# Not a setting: what its study calls a configuration, where it has names or presets for them.
CONFIGURATION = "configuration"


@dataclass(frozen=True)
class Axes:
    """``names`` tell rows apart; ``aliases`` maps one to the settings that change together with it.

    ``pooled`` are settings that differ within a row, ``common`` those that all results share. ``studied``
    is where the names of configurations are from.
    """

    names: tuple[str, ...]
    aliases: Mapping[str, tuple[str, ...]]
    pooled: tuple[str, ...]
    common: Mapping[str, Any]
    studied: Mapping[Path, Studied] = field(default_factory=dict)

    def value(self, result: Result, name: str) -> str:
        """Return a result's value on an axis, as it is typed."""
        if name == CONFIGURATION:
            return _name(result, self.studied)
        return show(settings_of(result).get(name))


def settings_of(result: Result) -> dict[str, Any]:
    """Return every setting of a result; one that is newer than the result has its default."""
    return {**_defaults(), **result.config}


def show(value: Any) -> str:
    """Return a setting's value as it is typed."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return "auto" if value is None else str(value)


def find_axes(
    results: Sequence[Result], by: Sequence[str] | None, studied: Mapping[Path, Studied] | None = None
) -> Axes:
    """Return the axes: those of `by`, or every setting but the seed that differs.

    Where all results have names by their studies, more than one, ``configuration`` comes first and
    stands for every setting that it decides. Settings that change only together are one axis under the
    first's name.

    Raises:
        UsageError: `by` has a setting that there is not.
    """
    columns = _columns(results)
    called = [_name(result, studied or {}) for result in results]
    if all(called) and len(set(called)) > 1:
        columns = {CONFIGURATION: called} | columns
    different = [name for name, values in columns.items() if len(set(values)) > 1]
    aliases: dict[str, list[str]] = {}
    decided: list[str] = []
    if CONFIGURATION in columns and CONFIGURATION in (by or [CONFIGURATION]):
        rows = _partition(columns, [CONFIGURATION])
        decided = [n for n in different if n != SEED and _partition(columns, [CONFIGURATION, n]) == rows]
        decided.remove(CONFIGURATION)
    if by is None:
        free = [name for name in different if name != SEED and name not in decided]
        names = _merge(free, columns, aliases)
    else:
        names = list(dict.fromkeys(by))
        for name in names:
            if name not in columns:
                raise _unknown(name, [*columns])
    rows = _partition(columns, names)
    covered = {*names, SEED, *decided, *(alias for group in aliases.values() for alias in group)}
    rest = [name for name in different if name not in covered]
    # A setting that is one within each row moves with an axis; one that is not is pooled.
    moving = [name for name in rest if _partition(columns, [*names, name]) == rows]
    if moving:
        aliases[""] = moving
    return Axes(
        tuple(names),
        {name: tuple(others) for name, others in aliases.items()},
        tuple(name for name in rest if name not in moving),
        {k: v for k, v in settings_of(results[0]).items() if k not in different} if results else {},
        studied or {},
    )


def group(results: Sequence[Result], axes: Axes) -> dict[tuple[str, ...], list[Result]]:
    """Return the results of each combination of the axes' values, in order of seed and path."""
    groups: dict[tuple[str, ...], list[Result]] = {}
    for result in sorted(results, key=_order):
        groups.setdefault(tuple(axes.value(result, name) for name in axes.names), []).append(result)
    return groups


def seed_of(result: Result) -> int | None:
    """Return a result's seed, None where it does not say."""
    seed = result.config.get(SEED)
    return seed if isinstance(seed, int) else None


def level_order(level: str) -> tuple[int, float, str]:
    """Return a key that sorts numbers by size and before words."""
    try:
        return (0, float(level), level)
    except ValueError:
        return (1, 0.0, level)


def _name(result: Result, studied: Mapping[Path, Studied]) -> str:
    known = of(result, studied)
    return known.name if known else ""


def _unknown(name: str, known: list[str]) -> UsageError:
    if name == CONFIGURATION:
        return UsageError(f"--by {name}: no plan of a study beside the runs has names for all of them")
    return UsageError(f"--by {name}: no such setting{nearest(name, known)} (settings: {', '.join(known)})")


@functools.cache
def _defaults() -> dict[str, Any]:
    return RunConfig().model_dump()


def _columns(results: Sequence[Result]) -> dict[str, list[str]]:
    every = [settings_of(result) for result in results]
    unknown = sorted({name for settings in every for name in settings} - set(setting_fields()))
    return {name: [show(settings.get(name)) for settings in every] for name in [*setting_fields(), *unknown]}


def _merge(
    names: Sequence[str], columns: Mapping[str, list[str]], aliases: dict[str, list[str]]
) -> list[str]:
    kept: dict[tuple[int, ...], str] = {}
    for name in names:
        partition = _partition(columns, [name])
        if partition in kept:
            aliases.setdefault(kept[partition], []).append(name)
        else:
            kept[partition] = name
    return list(kept.values())


def _partition(columns: Mapping[str, list[str]], names: Sequence[str]) -> tuple[int, ...]:
    """Return a number a result: the same for those that are alike in all of `names`."""
    seen: dict[tuple[str, ...], int] = {}
    length = len(next(iter(columns.values()), []))
    cells = [tuple(columns[name][i] for name in names) for i in range(length)]
    return tuple(seen.setdefault(cell, len(seen)) for cell in cells)


def _order(result: Result) -> tuple[int, str]:
    seed = seed_of(result)
    return (-1 if seed is None else seed, str(result.path))
