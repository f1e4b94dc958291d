"""Result: the figures of a run with one decoder, what they cost and where they come from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ctcbench.config.legacy_settings import translate_settings
from ctcbench.contract.errors import CtcbenchError
from ctcbench.evaluation.score import Score, is_number
from ctcbench.files.json_files import read_json

SCHEMA = 1
COSTS = ("parameters", "train_seconds", "images_per_second", "decode_ms_per_image", "peak_memory_mib")


@dataclass(frozen=True)
class Result:
    """One decoding of one trained recogniser.

    ``config`` is every setting, components as strings. ``cost`` has the names in `COSTS` (a number, or
    None where it was not measured), ``provenance`` ``started``, ``host``, ``versions``, ``plugins``,
    ``data``; both may hold more. ``path`` is the file that holds it, where one does.
    """

    config: Mapping[str, Any]
    score: Score
    cost: Mapping[str, Any]
    provenance: Mapping[str, Any]
    path: Path | None = field(default=None, compare=False)

    @property
    def folder(self) -> Path | None:
        """The run folder that the result is stored in."""
        return self.path.parent.parent if self.path else None

    def to_json(self) -> dict[str, Any]:
        """Return the result as the JSON document of schema 1."""
        return {
            "schema": SCHEMA,
            "config": dict(self.config),
            "score": self.score.to_json(),
            "cost": dict(self.cost),
            "provenance": dict(self.provenance),
        }

    @classmethod
    def read(cls, path: Path) -> Result:
        """Return the result in the file `path`; raises as `from_json` does, or where it can't be read."""
        return cls.from_json(read_object(path), path)

    @classmethod
    def from_json(cls, document: Any, path: Path) -> Result:
        """Read what `to_json` returned; `path` is the file that an error names.

        Raises:
            CtcbenchError: another schema, a key that is missing, or one of the wrong type.
        """
        if not isinstance(document, Mapping):
            raise CtcbenchError(f"{path}: expected a JSON object")
        schema = document.get("schema")
        if type(schema) is not int or schema != SCHEMA:
            found = f"schema {schema!r}" if "schema" in document else "no schema"
            raise CtcbenchError(f"{path}: {found}, but this ctcbench reads schema {SCHEMA}")
        for key in ("config", "score", "cost", "provenance"):
            if not isinstance(document.get(key), Mapping):
                wrong = "expected an object" if key in document else "missing"
                raise CtcbenchError(f"{path}: {key}: {wrong}")
        cost = document["cost"]
        for key in COSTS:
            if cost.get(key) is not None and not is_number(cost[key]):
                raise CtcbenchError(f"{path}: cost.{key}: expected a number, not {str(cost[key])[:40]!r}")
        try:
            score = Score.from_json(document["score"])
        except CtcbenchError as error:
            raise CtcbenchError(f"{path}: {error}") from None
        return cls(translate_settings(document["config"]), score, cost, document["provenance"], path)


def read_object(path: Path) -> dict[str, Any]:
    """Return the JSON object in `path`.

    Raises:
        CtcbenchError: the file can't be read, is damaged, or holds something else.
    """
    document = read_json(path)
    if not isinstance(document, dict):
        raise CtcbenchError(f"{path}: expected a JSON object")
    return document
