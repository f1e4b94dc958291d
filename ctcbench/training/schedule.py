"""Schedules of learning rate and blank penalty, as pure functions of the step, and ReduceOnPlateau."""

from __future__ import annotations

import math
from typing import Any

from ctcbench.config.run_config import RunConfig, Schedule

# Start and end of the one-cycle schedule as shares of the peak rate (Smith & Topin 2018); the values are
# the defaults of torch's OneCycleLR.
_ONECYCLE_START, _ONECYCLE_END = 1 / 25, 1e-4


def learning_rate(step: int, steps: int, config: RunConfig) -> float:
    """Return the learning rate of `step`, counted from 0, out of `steps`.

    The schedule ``plateau`` is constant here; `ReduceOnPlateau.scale` multiplies it.
    """
    warmup_steps = config.warmup * steps
    start = _ONECYCLE_START if config.schedule == "onecycle" else 0.0
    if step < warmup_steps:
        # The + 1 keeps the first rate of a warm-up from 0 above 0.
        share = (step + 1) / (warmup_steps + 1)
        return config.lr * (start + (1 - start) * share)
    if config.schedule in ("constant", "plateau"):
        return config.lr
    end = _ONECYCLE_END if config.schedule == "onecycle" else 0.0
    share = (step - warmup_steps) / max(1.0, steps - warmup_steps)
    return config.lr * (end + (1 - end) * _half_cosine(share))


def blank_penalty(step: int, steps: int, config: RunConfig) -> float:
    """Return the number to subtract from the blank's logit at `step`, counted from 0, out of `steps`."""
    share = min(1.0, step / max(1, steps))
    factors = {"constant": 1.0, "linear": 1.0 - share, "cosine": _half_cosine(share)}
    return config.blank_penalty * factors[config.blank_penalty_schedule]


def ends_low(schedule: Schedule) -> bool:
    """Return whether the learning rate is near zero in the last epochs of a training."""
    return schedule in ("onecycle", "cosine")


def _half_cosine(share: float) -> float:
    return 0.5 * (1 + math.cos(math.pi * share))


class ReduceOnPlateau:
    """Factor of the learning rate, halved when the validation loss has not fallen for `patience` epochs.

    Attributes:
        scale: the current factor, at first 1.
    """

    def __init__(self, patience: int = 2, factor: float = 0.5) -> None:
        self.patience, self.factor = patience, factor
        self.scale, self.best, self.waited = 1.0, math.inf, 0

    def update(self, val_loss: float) -> None:
        """Add the validation loss of an epoch."""
        if val_loss < self.best:
            self.best, self.waited = val_loss, 0
            return
        self.waited += 1
        if self.waited >= self.patience:
            self.scale, self.waited = self.scale * self.factor, 0

    def state(self) -> dict[str, Any]:
        """Return the state for a checkpoint, as JSON."""
        # JSON has no infinity.
        best = None if math.isinf(self.best) else self.best
        return {"scale": self.scale, "best": best, "waited": self.waited}

    def restore(self, state: dict[str, Any]) -> None:
        """Set the state that `state` returned."""
        self.scale, self.waited = float(state["scale"]), int(state["waited"])
        self.best = math.inf if state["best"] is None else float(state["best"])
