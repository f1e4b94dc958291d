"""What a training leaves behind: metrics, weights and checkpoints in the run folder, word to trackers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from ctcbench.contract.hooks import EpochReport, RunInfo
from ctcbench.files.pictures import Fit
from ctcbench.registry.component_registry import Registry
from ctcbench.results.run_folder import RunFolder
from ctcbench.training.checkpoint import save_checkpoint
from ctcbench.training.recognizer.weights import save_weights
from ctcbench.training.step import TrainState


@dataclass(frozen=True)
class Logbook:
    """Writes for the run `info`; ``fit`` is how other pictures are brought to the images' size."""

    registry: Registry
    folder: RunFolder
    info: RunInfo
    fit: Fit
    notice: Callable[[str], None]

    def begin(self) -> None:
        """Tell the trackers that training begins, or goes on."""
        self.registry.call_hooks("ctcbench_run_started", self.notice, run=self.info)

    def go_back(self, step: int) -> None:
        """Drop the metrics past `step`, which come again."""
        self.folder.truncate_metrics(step)

    def record(self, record: dict[str, Any]) -> None:
        """Add a record to the metrics."""
        self.folder.append_metrics(record)

    def weights(self, state: TrainState, best: dict[str, Tensor]) -> None:
        """Write the best weights so far."""
        save_weights(self.folder, state.model, best, self.fit)

    def checkpoint(self, state: TrainState, best: dict[str, Tensor], extra: dict[str, Any]) -> None:
        """Write all that training needs to go on."""
        save_checkpoint(self.folder.checkpoint_path, state, best, extra)

    def epoch(self, report: EpochReport) -> None:
        """Tell the trackers what an epoch came to."""
        self.registry.call_hooks("ctcbench_epoch_finished", self.notice, run=self.info, epoch=report)

    def finish(self, summary: dict[str, Any]) -> None:
        """Write what training came to, which marks the run as finished."""
        self.folder.write_summary(summary)


class NoLogbook(Logbook):
    """That of a process beside the first, which writes for all: nothing is written."""

    def begin(self) -> None:
        """Tell nobody."""

    def go_back(self, step: int) -> None:
        """Drop nothing."""

    def record(self, record: dict[str, Any]) -> None:
        """Add nothing."""

    def weights(self, state: TrainState, best: dict[str, Tensor]) -> None:
        """Write nothing."""

    def checkpoint(self, state: TrainState, best: dict[str, Tensor], extra: dict[str, Any]) -> None:
        """Write nothing."""

    def epoch(self, report: EpochReport) -> None:
        """Tell nobody."""

    def finish(self, summary: dict[str, Any]) -> None:
        """Write nothing."""
