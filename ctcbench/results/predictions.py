"""Predictions: the texts that a decoder read, stored beside its result, so that nothing is decoded twice."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ctcbench.contract.data import SPLITS
from ctcbench.contract.errors import CtcbenchError
from ctcbench.files.atomic import write_text
from ctcbench.files.json_files import read_json

FORMAT = "ctcbench predictions 1"


@dataclass(frozen=True)
class Predictions:
    """One text an image of a split beside the true one; ``fingerprint`` is that of the images."""

    split: str
    fingerprint: str
    texts: tuple[str, ...]
    targets: tuple[str, ...]

    @property
    def exact(self) -> float:
        """Share of the images whose whole text is right."""
        return sum(map(str.__eq__, self.texts, self.targets)) / len(self.texts)

    def write(self, path: Path) -> None:
        """Write them to `path` atomically; the same predictions give the same bytes.

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
            raise CtcbenchError(f"{path}: no predictions of ctcbench in it (expected {FORMAT!r})")
        texts, targets = _texts(document.get("texts")), _texts(document.get("targets"))
        split, fingerprint = document.get("split"), document.get("fingerprint")
        fit = texts and targets and len(texts) == len(targets)
        if not (fit and isinstance(fingerprint, str)):
            raise CtcbenchError(f"{path}: damaged (texts and targets don't fit together)")
        if split not in SPLITS:  # it names a file of log-probs
            raise CtcbenchError(f"{path}: split {str(split)[:40]!r}: expected {', '.join(SPLITS)}")
        return cls(split, fingerprint, texts, targets)


def _texts(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        return ()
    return tuple(value)
