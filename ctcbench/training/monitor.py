"""Watches the steps: the blank plateau is counted and named, a loss that is no number stops the run."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import torch

from ctcbench.contract.errors import CtcbenchError
from ctcbench.training.blank_plateau import BlankPlateauDetector
from ctcbench.training.step import StepMetrics

RECORD_EVERY = 10


class TrainingDiverged(CtcbenchError):
    """The loss became NaN or infinite; the message has the step, the labels and what to try."""


@dataclass
class MonitorState:
    """What is known of the steps so far; a checkpoint keeps it.

    ``loss`` is the last step's, ``window`` what the steps since the last record found.
    """

    loss: float | None = None
    plateau: BlankPlateauDetector = field(default_factory=BlankPlateauDetector)
    window: list[list[float]] = field(default_factory=list)


class Monitor:
    """Collects what steps found, and looks at it a few steps at a time, so that a GPU need not wait."""

    def __init__(
        self,
        state: MonitorState,
        flush_every: int,
        unigram_loss: float,
        *,
        gradients_overflow: bool = False,
        is_ctc: bool = True,
    ) -> None:
        """Begin with `state`.

        `gradients_overflow`: they are scaled, and an overflow is found and skipped by the scaler.
        `is_ctc`: blanks can stand anywhere, so that a plateau is one of blanks.
        """
        self.state = state
        self._guess_loss = unigram_loss
        self._gradients_overflow = gradients_overflow
        self._blanks_tempt = is_ctc
        self._flush_every = flush_every
        self._waiting: list[tuple[int, StepMetrics]] = []

    def add(
        self,
        step: int,
        metrics: StepMetrics,
        record: Callable[[dict[str, Any]], None],
        notice: Callable[[str], None],
    ) -> None:
        """Take the metrics of a step (counted from 1); every few steps, `flush`."""
        self._waiting.append((step, metrics))
        if len(self._waiting) >= self._flush_every:
            self.flush(record, notice)

    def flush(self, record: Callable[[dict[str, Any]], None], notice: Callable[[str], None]) -> None:
        """Fetch what was collected; record each window of steps, announce a plateau that is long.

        Raises:
            StepDiverged: a loss or a gradient is NaN or infinite.
        """
        if not self._waiting:
            return
        steps = [step for step, _ in self._waiting]
        rows = torch.stack(
            [torch.stack([m.loss, m.all_blank.float(), m.grad_norm.float()]) for _, m in self._waiting]
        ).tolist()
        self._waiting.clear()
        for step, (loss, all_blank, grad_norm) in zip(steps, rows, strict=True):
            if not math.isfinite(loss):
                raise StepDiverged(step, "loss", loss)
            # The weights are lost with such a gradient, though the loss shows it a step later.
            if not (math.isfinite(grad_norm) or self._gradients_overflow):
                raise StepDiverged(step, "gradient", grad_norm)
            said = self.state.plateau.update(
                step, loss, bool(all_blank), self._guess_loss, is_ctc=self._blanks_tempt
            )
            if said:
                notice(said)
            self.state.loss = loss
            self.state.window.append([loss, all_blank, grad_norm])
            if step % RECORD_EVERY == 0:
                record(self._summarise(step))

    def _summarise(self, step: int) -> dict[str, Any]:
        count = len(self.state.window)
        loss, all_blank, grad_norm = (sum(column) / count for column in zip(*self.state.window, strict=True))
        self.state.window.clear()
        return {"kind": "steps", "step": step, "loss": loss, "all_blank": all_blank, "grad_norm": grad_norm}

    def checkpoint(self) -> dict[str, Any]:
        """Return what a checkpoint keeps."""
        assert not self._waiting, "flush() before a checkpoint"
        return asdict(self.state)

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take back what `checkpoint` gave.

        Raises:
            TypeError: it is not of this version.
        """
        self.state = MonitorState(**{**state, "plateau": BlankPlateauDetector(**state["plateau"])})


class StepDiverged(Exception):
    """The step (counted from 1) at which something is no number; the loop says more by TrainingDiverged."""

    def __init__(self, step: int, what: str, value: float) -> None:
        super().__init__(f"the {what} is {value} at step {step}")
        self.step = step
