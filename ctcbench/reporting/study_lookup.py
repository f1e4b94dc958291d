"""What the studies beside run folders know of a result: its configuration's name and the study's scale."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ctcbench.contract.errors import CtcbenchError
from ctcbench.files.json_files import read_object
from ctcbench.results.decoder_key import is_file_name
from ctcbench.results.result import Result
from ctcbench.results.run_folder import RunFolder


@dataclass(frozen=True)
class Studied:
    """A configuration in a study: the ``name`` of its rule or preset, the study's ``scale``."""

    name: str
    scale: float = 1.0


def find_studied(out: Path) -> dict[Path, Studied]:
    """Return what the studies in ``out/studies`` say, by the results' paths; the newest plan counts."""
    root = out.parent if RunFolder(out).config_path.is_file() else out
    found: dict[Path, Studied] = {}
    for plan in sorted(_plans(root), key=lambda plan: str(plan.get("created") or "")):
        for key, result_key, name in _named(plan):
            if not (is_file_name(key) and is_file_name(result_key)):
                continue  # it leads out of the folder: no study wrote that
            path = root / key / "results" / f"{result_key}.json"
            found[path.resolve()] = Studied(name, _scale(plan.get("scale")))
    return found


def of(result: Result, studied: Mapping[Path, Studied]) -> Studied | None:
    """Return what a study says of a result, None where none knows it."""
    return studied.get(result.path.resolve()) if result.path else None


def _plans(root: Path) -> list[dict[str, Any]]:
    plans = []
    for path in sorted((root / "studies").glob("*/plan*.json")):
        try:
            plans.append(read_object(path))
        except CtcbenchError:
            continue  # the results stand without it
    return plans


def _named(plan: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Return (run folder, result, name) of each configuration in a plan; older plans have no names."""
    models = plan.get("models")
    return [
        (str(model.get("key")), str(result_key), str(name))
        for model in (models if isinstance(models, list) else [])
        if isinstance(model, Mapping) and isinstance(model.get("names"), Mapping)
        for result_key, name in model["names"].items()
    ]


def _scale(recorded: Any) -> float:
    known = isinstance(recorded, int | float) and not isinstance(recorded, bool) and 0 < recorded <= 1
    return float(recorded) if known else 1.0
