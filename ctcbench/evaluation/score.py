"""Score: the metrics of one decoding of one split, and their JSON form; imports no numpy."""

from __future__ import annotations

import functools
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, TypeGuard

from pydantic import BaseModel, Field, Strict, ValidationError, create_model

from ctcbench.contract.data import MOST_SAMPLES, SplitName
from ctcbench.contract.errors import CtcbenchError
from ctcbench.evaluation import metrics
from ctcbench.evaluation.metrics import Measured, Metric, metrics_document
from ctcbench.files.json_records import NotNegative, Record, Share, describe_fault

_ROUNDING = 1e-6  # of a value relative to its interval
# JSON has lists where the record has tuples; the two numbers are still checked strictly.
_Interval = Annotated[tuple[float, float], Strict(False)]


@dataclass(frozen=True)
class Score:
    """How well one decoder read one split.

    Every metric is an attribute as well: ``score.cer`` is its value (None if the result is older than
    the metric), ``score.cer_ci`` its 95 % confidence interval.

    Attributes:
        split: name of the split.
        images: number of images.
        metrics: by name, those of `metrics.METRICS` that were measured; ``exact`` always is.
        empty_outputs: share of images with an empty text.
        mean_length: characters in a text, mean over images.
        collapsed: whether the recogniser ignores its images, by its texts (`collapse.has_collapsed`) and by
            its best paths (`collapse.best_paths_collapsed`).
        blank_probability: mean over the frames within the images' lengths, None if it was not measured.
    """

    split: SplitName
    images: int
    metrics: Mapping[str, Measured]
    empty_outputs: float
    mean_length: float
    collapsed: bool
    blank_probability: float | None = None

    def __getattr__(self, name: str) -> Any:
        """Return the value of a metric, or its interval for ``<name>_ci``."""
        # Not `self.metrics`: while an instance is unpickled it has no attributes, and that would recurse.
        measured = self.__dict__.get("metrics", {})
        metric = name.removesuffix("_ci")
        if metric in measured:
            return measured[metric].interval if metric != name else measured[name].value
        # Only for metrics: a misspelt attribute must be an error.
        if any(metric == known.name for known in metrics.METRICS):
            return None  # the result was stored before the metric existed
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def to_json(self) -> dict[str, Any]:
        """Return the score as a JSON document, intervals as ``[low, high]``."""
        return {
            "split": self.split,
            "images": self.images,
            **metrics_document(self.metrics),
            "empty_outputs": self.empty_outputs,
            "mean_length": self.mean_length,
            "collapsed": self.collapsed,
            "blank_probability": self.blank_probability,
        }

    @classmethod
    def from_json(cls, document: Any) -> Score:
        """Return the score that `to_json` wrote; unknown keys and metrics that are missing are ignored.

        Raises:
            CtcbenchError: another key is missing, or its value has the wrong type or is impossible, such
                as a share above 1; the message names the key.
        """
        if not isinstance(document, Mapping):
            raise CtcbenchError("score: expected an object")
        try:
            checked = _document_model(metrics.METRICS).model_validate(dict(document))
        except ValidationError as error:
            raise CtcbenchError(_first_problem(error)) from None
        values = checked.model_dump()
        for metric in metrics.METRICS:
            _require_order(metric.name, values[metric.name], values[f"{metric.name}_ci"])
        measured = {
            name: Measured(values[name], values[f"{name}_ci"])
            for name in (metric.name for metric in metrics.METRICS)
            if values[name] is not None
        }
        return cls(metrics=measured, **{name: values[name] for name in _FIXED})


# Every key that is not of a metric, with pydantic's type and default; `...` is required.
_FIXED: dict[str, Any] = {
    "split": (SplitName, ...),
    "images": (Annotated[int, Field(ge=1, le=MOST_SAMPLES)], ...),
    "empty_outputs": (Share, ...),
    "mean_length": (NotNegative, ...),
    "collapsed": (bool, ...),
    "blank_probability": (Share | None, None),
}


@functools.cache
def _document_model(table: Sequence[Metric]) -> type[BaseModel]:
    """Return the pydantic model of the JSON form with the metrics of `table`."""
    fields: dict[str, Any] = {"split": _FIXED["split"], "images": _FIXED["images"]}
    for metric in table:
        # Rows of a report are ordered by exact accuracy; every other metric may be newer than the result.
        value = Annotated[float, Field(ge=0, le=metric.highest)]
        fields[metric.name] = (value, ... if metric.name == "exact" else None)
        fields[f"{metric.name}_ci"] = (_Interval, None)
    return create_model("ScoreDocument", __base__=Record, **(fields | _FIXED))


def _require_order(name: str, value: float | None, interval: Sequence[float] | None) -> None:
    """Raise CtcbenchError if a value is not inside its interval."""
    if value is None or interval is None:
        return
    low, high = interval
    # A mean over resamples differs from the value by rounding where all images have the same.
    slack = _ROUNDING * max(1.0, abs(value))
    if not low - slack <= value <= high + slack:
        raise CtcbenchError(f"score.{name}_ci: [{low}, {high}] does not hold the value {value}")


def _first_problem(error: ValidationError) -> str:
    # pydantic's own message for an interval is about tuples, which JSON does not have.
    key = str(error.errors(include_url=False)[0]["loc"][0])
    if key.endswith("_ci"):
        return f"score.{key}: expected [low, high], two finite numbers"
    return describe_fault(error, "score")


def is_number(value: Any) -> TypeGuard[int | float]:
    """Return whether a JSON value is a finite number; true and false are not."""
    # In Python True is an int.
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return abs(value) <= sys.float_info.max
