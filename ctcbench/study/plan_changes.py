"""plan_changes(): the differences between a stored plan of a study and the current one, for a notice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ctcbench.contract.options import show

_SHOWN = 6  # values of a setting that a notice lists; the rest is counted


def plan_changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Return a description of each difference between two plans, such as ``epochs: 2 before, 1 now``.

    Args:
        before: JSON document of the stored plan.
        now: JSON document of the current plan.
    """
    found = []
    old_values, new_values = _values(before), _values(now)
    for name in dict.fromkeys([*old_values, *new_values]):
        old, new = old_values.get(name, []), new_values.get(name, [])
        if old != new:
            found.append(f"{name}: {_listed(old)} before, {_listed(new)} now")
    # The same values can form another grid, for example after a change of the exclude rules.
    if not found and _keys(before) != _keys(now):
        found.append(f"{len(_keys(before))} configurations before, {len(_keys(now))} now")
    if (old_scale := before.get("scale", 1)) != (new_scale := now.get("scale", 1)):
        found.append(f"scale: {old_scale:g} before, {new_scale:g} now")
    if not found and _names(before) != _names(now):
        found.append("the names of its configurations")
    # The executor is compared in addition to its resources: another one can have the same resources, and
    # a start without --executor uses the recorded one.
    if before.get("executor") != now.get("executor"):
        found.append(f"executor: {before.get('executor')} before, {now.get('executor')} now")
    for key in ("resources", "versions", "plugins"):
        old_part, new_part = before.get(key) or {}, now.get(key) or {}
        for name in dict.fromkeys([*old_part, *new_part]):
            if old_part.get(name) != new_part.get(name):
                found.append(f"{name}: {old_part.get(name)} before, {new_part.get(name)} now")
    return found


def _values(plan: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Return the distinct values of each setting in a plan, sorted."""
    values: dict[str, dict[Any, None]] = {}
    for model in plan.get("models", []):
        for config in model["results"].values():
            for name, value in config.items():
                # A dictionary as an ordered set; `PlanRecord` admits only values that can be its keys.
                values.setdefault(name, {})[value] = None
    return {name: sorted(found, key=_order) for name, found in values.items()}


def _order(value: Any) -> tuple[str, float, str]:
    """Return a sort key of a value; numbers come before texts, which Python does not compare with them."""
    number = isinstance(value, int | float)
    return ("" if number else "text", float(value) if number else 0.0, str(value))


def _keys(plan: Mapping[str, Any]) -> set[tuple[str, str]]:
    """Return the train key and the result key of each configuration."""
    return {(model["key"], result) for model in plan.get("models", []) for result in model["results"]}


def _names(plan: Mapping[str, Any]) -> dict[str, Any]:
    return {model["key"]: model.get("names") for model in plan.get("models", [])}


def _listed(values: Sequence[Any]) -> str:
    more = f" and {len(values) - _SHOWN} more" if len(values) > _SHOWN else ""
    return (", ".join(map(show, values[:_SHOWN])) or "none") + more
