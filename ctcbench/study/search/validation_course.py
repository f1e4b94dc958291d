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
        is_kept: whether the training keeps the weights of this epoch so far; None in older records.
    """

    epoch: int
    step: int
    steps: int
    exact: float
    cer: float
    loss: float
    is_kept: bool | None = None

    def replaces(self, earlier: EpochScores) -> bool:
        """Return whether the training keeps the weights of this epoch in place of those of an earlier one."""
        if self.is_kept is None:
            return (self.exact, -self.cer) >= (earlier.exact, -earlier.cer)
        return self.is_kept

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> EpochScores | None:
        """Return the scores in an event or a record of metrics, None if it lacks one or has NaN."""
        names = ("epoch", "step", "steps", "val_exact", "val_cer", "val_loss")
        values = [record.get(name) for name in names]
        if not all(isinstance(v, int | float) and not isinstance(v, bool) and v >= 0 for v in values):
            return None
        if not 0 < values[1] <= values[2]:  # type: ignore[operator]
            return None
        kept = record.get("kept")
        return cls(*values, kept if isinstance(kept, bool) else None)  # type: ignore[arg-type, call-arg]


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
