"""Predictions: the texts of one decoding, stored beside its result so that reports need not decode."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationInfo, field_validator

from ctcbench.contract.data import MOST_SAMPLES, SplitName
from ctcbench.contract.errors import CtcbenchError
from ctcbench.files.json_files import format_json, parse_json
from ctcbench.files.json_records import Name, Record, Share, Text, read_record

FORMAT = "ctcbench predictions 1"


@dataclass(frozen=True)
class Predictions:
    """The decoded text of every image of a split, and its target.

    Attributes:
        split: name of the split.
        fingerprint: fingerprint of the images of the split.
        texts: decoded texts, one an image.
        targets: true texts, in the same order.
        confidences: probability that each text is right, 0 to 1, as `evaluation.confidence` computes it,
            None for a text without one; None: not recorded (by earlier versions).
    """

    split: str
    fingerprint: str
    texts: tuple[str, ...]
    targets: tuple[str, ...]
    confidences: tuple[float | None, ...] | None = None

    @property
    def exact(self) -> float:
        """Share of the images whose whole text is right, 0 to 1."""
        return sum(map(str.__eq__, self.texts, self.targets)) / len(self.texts)

    def to_bytes(self) -> bytes:
        """Return the content of a file of the predictions; equal predictions result in equal bytes."""
        document: dict[str, Any] = {"format": FORMAT, "split": self.split, "fingerprint": self.fingerprint}
        document |= {"texts": self.texts, "targets": self.targets}
        if self.confidences is not None:
            document["confidences"] = self.confidences
        return format_json(document, indent=None)

    @classmethod
    def parse(cls, data: bytes, path: Path) -> Predictions:
        """Return the predictions in the content of a file; `path` names it in errors.

        Raises:
            CtcbenchError: the content is damaged, or is something else.
        """
        document = parse_json(data, path)
        if not isinstance(document, Mapping) or document.get("format") != FORMAT:
            raise CtcbenchError(f"{path}: not a file of predictions (expected format {FORMAT!r})")
        record = read_record(PredictionsRecord, document, path)
        sure = None if record.confidences is None else tuple(record.confidences)
        return cls(record.split, record.fingerprint, tuple(record.texts), tuple(record.targets), sure)


class PredictionsRecord(Record):
    """JSON document of predictions, without its format."""

    split: SplitName  # names a file of log-probabilities
    fingerprint: Name
    texts: list[Text] = Field(min_length=1, max_length=MOST_SAMPLES)
    targets: list[Text]
    confidences: list[Share | None] | None = None

    @field_validator("targets", "confidences")
    @classmethod
    def _one_each(cls, values: list[Any] | None, info: ValidationInfo) -> list[Any] | None:
        # There are no texts here if they are damaged themselves.
        texts = info.data.get("texts")
        if values is not None and texts is not None and len(values) != len(texts):
            raise ValueError(f"{len(values)} {info.field_name} for {len(texts)} texts")
        return values
