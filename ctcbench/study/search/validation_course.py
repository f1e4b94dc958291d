"""The validation scores of a training, epoch by epoch, and the score of the weights that it keeps."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ctcbench.contract.errors import CtcbenchError
from ctcbench.results.run_folder import RunFolder


@dataclass(frozen=True)
class EpochScores:
    """The validation after an epoch.

    Attributes:
        step: training steps so far.
        steps: steps of the whole training.
    """

    epoch: int
    step: int
    steps: int
    exact: float
    cer: float
    loss: float

    @property
    def rank(self) -> tuple[float, float, int]:
        """Sort key: of two epochs a training keeps the weights of the greater one (`Trainer`)."""
        return self.exact, -self.cer, self.epoch

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> EpochScores | None:
        """Return the scores in an event or a record of metrics, None if it lacks one or has NaN."""
        names = ("epoch", "step", "steps", "val_exact", "val_cer", "val_loss")
        values = [record.get(name) for name in names]
        if not all(isinstance(v, int | float) and not isinstance(v, bool) and v >= 0 for v in values):
            return None
        return cls(*values) if 0 < values[1] <= values[2] else None  # type: ignore[arg-type, operator]


def recorded_epochs(folder: RunFolder) -> list[EpochScores]:
    """Return the epochs in the metrics of a run, in order; none if they can't be read."""
    try:
        records = folder.read_metrics()
    except CtcbenchError:
        return []
    return list(_epochs(records))


def _epochs(records: Iterable[Mapping[str, Any]]) -> Iterator[EpochScores]:
    for record in records:
        if record.get("kind") == "epoch" and (scores := EpochScores.of(record)):
            yield scores
