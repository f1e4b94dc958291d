"""Predictions: the texts of one decoding, stored beside its result so that reports need not decode."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import Field, ValidationInfo, field_validator

from ctcbench.contract.data import SplitName
from ctcbench.contract.errors import CtcbenchError
from ctcbench.files.atomic import write_text
from ctcbench.files.json_files import read_json
from ctcbench.files.json_records import Record, read_record

FORMAT = "ctcbench predictions 1"


@dataclass(frozen=True)
class Predictions:
    """The decoded text of every image of a split, and its target.

    Attributes:
        split: name of the split.
        fingerprint: fingerprint of the images of the split.
        texts: decoded texts, one an image.
        targets: true texts, in the same order.
    """

    split: str
    fingerprint: str
    texts: tuple[str, ...]
    targets: tuple[str, ...]

    @property
    def exact(self) -> float:
        """Share of the images whose whole text is right, 0 to 1."""
        return sum(map(str.__eq__, self.texts, self.targets)) / len(self.texts)

    def write(self, path: Path) -> None:
        """Write the predictions to `path` atomically; equal predictions result in equal bytes.

        Raises:
            UsageError: the file can't be written.
        """
        document = {"format": FORMAT, "split": self.split, "fingerprint": self.fingerprint}
        document |= {"texts": self.texts, "targets": self.targets}  # type: ignore[dict-item]
        write_text(path, json.dumps(document, ensure_ascii=False, separators=(",", ":")) + "\n")

    @classmethod
    def read(cls, path: Path) -> Predictions:
        """Return the predictions in `path`.

        Raises:
            CtcbenchError: the file can't be read, is damaged, or holds something else.
        """
        document = read_json(path)
        if not isinstance(document, Mapping) or document.get("format") != FORMAT:
            raise CtcbenchError(f"{path}: not a file of predictions (expected format {FORMAT!r})")
        record = read_record(PredictionsRecord, document, path)
        return cls(record.split, record.fingerprint, tuple(record.texts), tuple(record.targets))


class PredictionsRecord(Record):
    """JSON document of predictions, without its format."""

    split: SplitName  # names a file of log-probabilities
    fingerprint: str
    texts: list[str] = Field(min_length=1)
    targets: list[str]

    @field_validator("targets")
    @classmethod
    def _one_each(cls, targets: list[str], info: ValidationInfo) -> list[str]:
        texts = info.data.get("texts", targets)
        if len(targets) != len(texts):
            raise ValueError(f"{len(targets)} targets for {len(texts)} texts")
        return targets
