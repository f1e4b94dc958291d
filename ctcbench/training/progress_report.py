"""ProgressReport: makes the progress events of a training, at most a few a second."""

from __future__ import annotations

import math
import time

from ctcbench.config.run_config import RunConfig
from ctcbench.training.history import History
from ctcbench.training.monitor import MonitorState
from ctcbench.training.progress_events import TrainingProgress
from ctcbench.training.step import TrainState

PROGRESS_SECONDS = 0.2  # least time between two progress events


class ProgressReport:
    """Progress of a training since its process started it.

    Args:
        config: settings of the training.
        state: its state.
        images: number of images of an epoch.
        steps_per_epoch: number of steps of an epoch.
    """

    def __init__(self, config: RunConfig, state: TrainState, images: int, steps_per_epoch: int) -> None:
        self._config, self._state = config, state
        self._images, self._steps_per_epoch = images, steps_per_epoch
        self._steps_done = 0
        self._first_ended = self._shown = time.monotonic()

    def count_step(self) -> bool:
        """Count a step that was done, and return whether enough time has passed for another event."""
        self._steps_done += 1
        # From the end of the first step on, which is not like the others: it allocates and compiles.
        if self._steps_done == 1:
            self._first_ended = time.monotonic()
        return time.monotonic() - self._shown > PROGRESS_SECONDS

    def make(self, history: History, monitor: MonitorState) -> TrainingProgress:
        """Return the event of now, after at least one step."""
        self._shown = time.monotonic()
        step, steps, seconds = self._state.step, self._state.steps, history.seconds
        images = step * self._images / self._steps_per_epoch
        # Not `seconds`: trainings of one process take turns, and each waits for the others.
        elapsed, done = self._shown - self._first_ended, self._steps_done - 1
        step_seconds = elapsed / done if done > 0 else seconds / step
        return TrainingProgress(
            epoch=min(self._config.epochs, (step - 1) // self._steps_per_epoch + 1),
            epochs=self._config.epochs,
            step=step,
            steps=steps,
            loss=math.nan if monitor.loss is None else monitor.loss,
            images_per_second=images / seconds if seconds else 0.0,
            seconds_left=(steps - step) * step_seconds,
            val_exact=history.last_exact,
            blank_steps=monitor.plateau.blank_steps,
            plateau_steps=monitor.plateau.steps,
        )
