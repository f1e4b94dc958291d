"""TrainingRecorder: writes a training's metrics, weights and checkpoints, and calls the trackers' hooks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from ctcbench.contract.hooks import EpochReport, RunInfo
from ctcbench.files.pictures import Fit
from ctcbench.registry.component_registry import Registry
from ctcbench.results.run_folder import RunFolder
from ctcbench.training.checkpoint import format_checkpoint
from ctcbench.training.recognizer.weights import save_weights
from ctcbench.training.step import TrainState


@dataclass(frozen=True)
class TrainingRecorder:
    """Recorder of a training into its run folder.

    Attributes:
        fit: how pictures of other sizes are fitted to the recogniser's image size.
        notice: receives a sentence for the user when a tracker's hook fails.
    """

    registry: Registry
    folder: RunFolder
    info: RunInfo
    fit: Fit
    notice: Callable[[str], None]

    def start(self) -> None:
        """Call the hook ``ctcbench_run_started``; a resumed training calls it too."""
        self.registry.call_hooks("ctcbench_run_started", self.notice, run=self.info)

    def truncate_after(self, step: int) -> None:
        """Delete the metrics of steps after `step`, which a resumed training records again."""
        self.folder.truncate_metrics(step)

    def record_metrics(self, record: dict[str, Any]) -> None:
        """Append a record to the run's metrics."""
        self.folder.append_metrics(record)

    def save_best_weights(self, state: TrainState, best: dict[str, Tensor]) -> None:
        """Write the best weights so far."""
        save_weights(self.folder, state.model, best, self.fit)

    def save_checkpoint(self, state: TrainState, best: dict[str, Tensor], extra: dict[str, Any]) -> None:
        """Write the checkpoint from which training can be resumed."""
        self.folder.write(self.folder.checkpoint_path, format_checkpoint(state, best, extra))

    def report_epoch(self, report: EpochReport) -> None:
        """Call the hook ``ctcbench_epoch_finished``."""
        self.registry.call_hooks("ctcbench_epoch_finished", self.notice, run=self.info, epoch=report)

    def finish(self, summary: dict[str, Any]) -> None:
        """Write the summary of the training, which marks the run as finished."""
        self.folder.finish(summary)


class NullRecorder(TrainingRecorder):
    """Recorder of a process other than the main process: it writes nothing and calls no hook."""

    def start(self) -> None:
        """Do nothing."""

    def truncate_after(self, step: int) -> None:
        """Do nothing."""

    def record_metrics(self, record: dict[str, Any]) -> None:
        """Do nothing."""

    def save_best_weights(self, state: TrainState, best: dict[str, Tensor]) -> None:
        """Do nothing."""

    def save_checkpoint(self, state: TrainState, best: dict[str, Tensor], extra: dict[str, Any]) -> None:
        """Do nothing."""

    def report_epoch(self, report: EpochReport) -> None:
        """Do nothing."""

    def finish(self, summary: dict[str, Any]) -> None:
        """Do nothing."""
