"""Score: the figures of one decoding of one split, and their JSON form; imports no numpy."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from typing import Any, TypeGuard

from ctcbench.contract.data import SPLITS, SplitName
from ctcbench.contract.errors import CtcbenchError

Interval = tuple[float, float]


@dataclass(frozen=True)
class Score:
    """What the texts of a split are worth; shares are 0 to 1, every ``…_ci`` is a 95 % interval.

    ``exact``, ``exact_caseless``, ``exact_folded``: shares of images whose whole text is right; as it
    is, case aside, and with characters that look alike counted as one (`scores.LOOKALIKES`).
    ``char_accuracy``: mean over images of the share of positions where prediction and target agree.
    ``edit_distance``: Levenshtein, mean an image. ``cer``: all edits over all target characters.
    ``empty_outputs``: share of images. ``mean_length``: characters an output. ``blank_probability``:
    mean over the frames that count, where the caller knows it. ``collapsed``: see `scores.has_collapsed`.
    """

    split: SplitName
    images: int
    exact: float
    exact_ci: Interval
    char_accuracy: float
    char_accuracy_ci: Interval
    cer: float
    cer_ci: Interval
    edit_distance: float
    edit_distance_ci: Interval
    exact_caseless: float
    exact_caseless_ci: Interval
    exact_folded: float
    exact_folded_ci: Interval
    empty_outputs: float
    mean_length: float
    collapsed: bool
    blank_probability: float | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the score as a JSON document, intervals as ``[low, high]``."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: list(v) if isinstance(v, tuple) else v for name, v in values.items()}

    @classmethod
    def from_json(cls, document: Any) -> Score:
        """Read what `to_json` returned; keys that are not known are left out.

        Raises:
            CtcbenchError: a key is missing or has the wrong type; says which.
        """
        if not isinstance(document, Mapping):
            raise CtcbenchError("score: expected an object")
        values: dict[str, Any] = {}
        for field in fields(cls):
            if field.name in document:
                values[field.name] = _read(field.name, str(field.type), document[field.name])
            elif field.default is MISSING:
                raise CtcbenchError(f"score.{field.name}: missing")
        return cls(**values)


def is_number(value: Any) -> TypeGuard[int | float]:
    """Return whether a JSON value is a finite number (true and false are not)."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return abs(value) <= sys.float_info.max


def _read(name: str, kind: str, value: Any) -> Any:
    if kind == "SplitName" and value in SPLITS:
        return value
    if kind == "bool" and isinstance(value, bool):
        return value
    if kind == "int" and isinstance(value, int) and not isinstance(value, bool):
        return value
    if kind.startswith("float") and is_number(value):
        return float(value)
    if kind == "float | None" and value is None:
        return None
    if kind == "Interval" and isinstance(value, list) and len(value) == 2 and all(map(is_number, value)):
        return (float(value[0]), float(value[1]))
    words = {
        "SplitName": ", ".join(SPLITS),
        "bool": "true or false",
        "int": "a whole number",
        "Interval": "[low, high]",
    }
    raise CtcbenchError(f"score.{name}: expected {words.get(kind, 'a number')}, not {str(value)[:40]!r}")
