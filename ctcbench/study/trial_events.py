"""The progress of a run as the events of a trial."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict

from ctcbench.contract.data import SplitName
from ctcbench.contract.executors import Event
from ctcbench.contract.hooks import EpochReport
from ctcbench.results.run_folder import RunFolder
from ctcbench.training.progress_events import ProgressListener, TrainingProgress

VALIDATION_SCORES = ("val_exact", "val_cer", "val_loss")


class TrialProgressListener(ProgressListener):
    """Passes a run's progress to `on_event` as JSON documents."""

    def __init__(self, on_event: Callable[[Event], None], folder: RunFolder) -> None:
        self._on_event = on_event
        self._known = f"{folder.path}: trained already" if folder.is_finished else None

    def images_drawn(self, split: SplitName, done: int, total: int) -> None:
        """Send how many images of a split are drawn."""
        self._on_event({"kind": "drawing", "split": split, "done": done, "total": total})

    def training_advanced(self, progress: TrainingProgress) -> None:
        """Send the state of training."""
        fields = asdict(progress)
        if progress.loss != progress.loss:  # JSON has no NaN
            fields["loss"] = None
        self._on_event({"kind": "training", **fields})

    def epoch_finished(self, report: EpochReport, steps: int) -> None:
        """Send the scores of an epoch's validation, those that are finite."""
        scores = {name: report.figures[name] for name in VALIDATION_SCORES}
        finite = {name: score for name, score in scores.items() if math.isfinite(score)}
        self._on_event(
            {
                "kind": "epoch",
                "epoch": report.epoch,
                "step": report.step,
                "steps": steps,
                "kept": report.kept,
                **finite,
            }
        )

    def images_read(self, split: SplitName, done: int, total: int) -> None:
        """Send how many images of a split the model has read."""
        self._on_event({"kind": "reading", "split": split, "done": done, "total": total})

    def notice(self, text: str) -> None:
        """Send a sentence for the user."""
        # In a study this is normal, and the notice names --fresh, a flag that `ctcbench ablate` lacks.
        if not (self._known and text.startswith(self._known)):
            self._on_event({"kind": "notice", "text": text})
