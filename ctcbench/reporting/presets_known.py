"""Which preset a stored result was made from, as far as the studies beside the run folders know."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ctcbench.contract.errors import CtcbenchError
from ctcbench.results.result import read_object


def find_presets(folders: Iterable[Path]) -> dict[Path, str]:
    """Return the presets of results in run folders: resolved path of the result → the preset's name.

    A result holds every setting, but not where they came from; the plan of a study does. Where plans
    differ, the one made last counts; one that can't be read is no loss but of names.
    """
    found: dict[Path, str] = {}
    for out in sorted({folder.resolve().parent for folder in folders}):
        plans = [_read(path) for path in sorted((out / "studies").glob("*/plan*.json"))]
        for plan in sorted(plans, key=lambda plan: str(plan.get("created") or "")):
            for model in _list(plan.get("models")):
                presets = model.get("presets") if isinstance(model, Mapping) else None
                for key, preset in presets.items() if isinstance(presets, Mapping) else ():
                    found[out / str(model.get("key")) / "results" / f"{key}.json"] = str(preset)
    return found


def _read(path: Path) -> dict[str, Any]:
    try:
        return read_object(path)
    except CtcbenchError:
        return {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
