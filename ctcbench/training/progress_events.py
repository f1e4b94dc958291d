"""Progress events of a run: ProgressListener receives them, TrainingProgress is the state of training."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ctcbench.contract.data import SplitName
from ctcbench.contract.hooks import EpochReport


@dataclass(frozen=True)
class TrainingProgress:
    """State of training at one step; epochs and steps count from 1.

    Attributes:
        loss: training loss of the last evaluated step in nats per image, NaN before the first.
        seconds_left: estimated time until training ends.
        val_exact: exact accuracy of the last validation, None before the first.
        blank_steps: number of consecutive steps up to this one in which every output was empty.
        plateau_steps: number of consecutive steps up to this one in which every output was empty or the
            loss was no better than guessing.
    """

    epoch: int
    epochs: int
    step: int
    steps: int
    loss: float
    images_per_second: float
    seconds_left: float
    val_exact: float | None
    blank_steps: int
    plateau_steps: int


class ProgressListener:
    """Base class of listeners to a run's progress. Every method does nothing; override those you need."""

    def run_started(self, folder: Path, compute: str) -> None:
        """Report that a run starts: its folder, and its device and precision, such as ``cpu in bfloat16``."""

    def images_drawn(self, split: SplitName, done: int, total: int) -> None:
        """Report that `done` of `total` images of a split are drawn into the cache."""

    def training_advanced(self, progress: TrainingProgress) -> None:
        """Report the state of training; called at most a few times per second."""

    def epoch_finished(self, report: EpochReport, steps: int) -> None:
        """Report the end of an epoch, after its checkpoint; `steps` is the length of the training."""

    def images_read(self, split: SplitName, done: int, total: int) -> None:
        """Report that inference is done for `done` of `total` images of a split."""

    def pictures_predicted(self, done: int, total: int | None) -> None:
        """Report that a recogniser has read `done` pictures, of `total` if their number is known."""

    def notice(self, text: str) -> None:
        """Report a sentence for the user: a plateau, a resumed run, images that were skipped."""
