"""Result: score, cost and provenance of one decoding of one trained recogniser."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from ctcbench.config.complete_settings import complete_settings
from ctcbench.contract.errors import CtcbenchError
from ctcbench.evaluation.score import Score
from ctcbench.files.json_files import parse_object
from ctcbench.files.json_records import Count, Name, NotNegative, Record, read_record

SCHEMA = 1


@dataclass(frozen=True)
class Result:
    """One decoding of one trained recogniser.

    Attributes:
        config: every setting, components as strings.
        score: the metrics.
        cost: numbers named in `COSTS`, None where not measured; may hold other keys.
        provenance: ``started``, ``host``, ``versions``, ``plugins``, ``data``, ``training``; may hold
            other keys.
        path: the file that holds the result, None if it is not stored.
    """

    config: Mapping[str, Any]
    score: Score
    cost: Mapping[str, Any]
    provenance: Mapping[str, Any]
    path: Path | None = field(default=None, compare=False)

    @property
    def folder(self) -> Path | None:
        """Run folder that the result is stored in, None if it is not stored."""
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
    def parse(cls, data: bytes, path: Path) -> Result:
        """Return the result in the content of the file `path`.

        Raises:
            CtcbenchError: the content is damaged, or as `from_json`.
        """
        return cls.from_json(parse_object(data, path), path)

    @classmethod
    def from_json(cls, document: Any, path: Path) -> Result:
        """Return the result of a document that `to_json` wrote; errors name the file `path`.

        Raises:
            CtcbenchError: the schema is another, a key is missing, or a value has the wrong type.
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
        return cls(complete_settings(record.config), score, document["cost"], document["provenance"], path)


class CostRecord(Record):
    """Costs of a result: numbers, None where not measured; other keys are kept as they are."""

    parameters: NotNegative | None = None
    train_seconds: NotNegative | None = None
    images_per_second: NotNegative | None = None
    decode_ms_per_image: NotNegative | None = None
    peak_memory_mib: NotNegative | None = None


class HostRecord(Record):
    """The machine of a training; other keys are kept as they are."""

    cpu: Name | None = None
    gpu: Name | None = None
    cores: Count | None = None


class DataRecord(Record):
    """The part of a provenance on the images, numbers by split; other keys are kept as they are."""

    images: dict[Name, Count | None] = Field(default_factory=dict, max_length=100)
    left_out: dict[Name, Count | None] = Field(default_factory=dict, max_length=100)
    too_long: Count | None = None
    unreadable: Count | None = None


class TrainingRecord(Record):
    """The part of a provenance on the training; other keys are kept as they are."""

    steps: Count | None = None
    best_val_exact: Annotated[float, Field(ge=-1, le=1)] | None = None  # −1: none was measured
    left_plateau_step: Count | None = None
    plateau_steps_at_end: Count | None = None
    blank_steps_at_end: Count | None = None


class ProofsRecord(Record):
    """The proofs of the decoder, as `ProofCounts.to_json` returns them."""

    images: Count
    proofs: dict[Name, Count] = Field(max_length=100)
    largest_gap: NotNegative | None


class ProvenanceRecord(Record):
    """Provenance of a result; other keys are kept as they are."""

    started: Name | None = None
    host: HostRecord | None = None
    versions: dict[Name, Name | None] = Field(default_factory=dict, max_length=1_000)
    plugins: dict[Name, Name | None] = Field(default_factory=dict, max_length=1_000)
    data: DataRecord | None = None
    training: TrainingRecord | None = None
    proofs: ProofsRecord | None = None


class ResultRecord(Record):
    """JSON document of a result; `Score.from_json` reads ``score``."""

    config: dict[Name, Any] = Field(max_length=1_000)
    score: dict[Name, Any] = Field(max_length=1_000)
    cost: CostRecord
    provenance: ProvenanceRecord


COSTS = tuple(CostRecord.model_fields)
