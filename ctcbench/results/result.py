"""Result: the figures of a run with one decoder, what they cost and where they come from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ctcbench.config.legacy_settings import translate_settings
from ctcbench.contract.errors import CtcbenchError
from ctcbench.evaluation.score import Score
from ctcbench.files.json_files import read_object
from ctcbench.files.json_records import Record, read_record

SCHEMA = 1


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
        record = read_record(ResultRecord, document, path)
        try:
            score = Score.from_json(record.score)
        except CtcbenchError as error:
            raise CtcbenchError(f"{path}: {error}") from None
        return cls(translate_settings(record.config), score, document["cost"], record.provenance, path)


class CostRecord(Record):
    """Costs of a result: numbers, None where not measured; other keys are kept as they are."""

    parameters: float | None = None
    train_seconds: float | None = None
    images_per_second: float | None = None
    decode_ms_per_image: float | None = None
    peak_memory_mib: float | None = None


class ResultRecord(Record):
    """JSON document of a result; `Score.from_json` reads ``score``."""

    config: dict[str, Any]
    score: dict[str, Any]
    cost: CostRecord
    provenance: dict[str, Any]


COSTS = tuple(CostRecord.model_fields)
