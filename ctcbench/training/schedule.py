"""Learning rate and blank penalty as pure functions of the step."""

from __future__ import annotations

import math
from typing import Any

from ctcbench.config.run_config import RunConfig

# One-cycle's ends, as shares of the highest rate (Smith & Topin 2018).
_ONECYCLE_START, _ONECYCLE_END = 1 / 25, 1e-4


def learning_rate(step: int, steps: int, config: RunConfig) -> float:
    """Return the rate of a step, counted from 0, out of `steps` (``plateau`` scales it further)."""
    rising = config.warmup * steps
    begin = _ONECYCLE_START if config.schedule == "onecycle" else 0.0
    if step < rising:
        # The first step of a warm-up from nothing still moves: hence the + 1.
        share = (step + 1) / (rising + 1)
        return config.lr * (begin + (1 - begin) * share)
    if config.schedule in ("constant", "plateau"):
        return config.lr
    end = _ONECYCLE_END if config.schedule == "onecycle" else 0.0
    share = (step - rising) / max(1.0, steps - rising)
    return config.lr * (end + (1 - end) * _cosine(share))


def blank_penalty(step: int, steps: int, config: RunConfig) -> float:
    """Return what is subtracted from the blank's logit at a step, counted from 0, out of `steps`."""
    share = min(1.0, step / max(1, steps))
    falls = {"constant": 1.0, "linear": 1.0 - share, "cosine": _cosine(share)}
    return config.blank_penalty * falls[config.blank_penalty_schedule]


def _cosine(share: float) -> float:
    return 0.5 * (1 + math.cos(math.pi * share))


class ReduceOnPlateau:
    """Halves the rate when the validation loss has not fallen for `patience` epochs."""

    def __init__(self, patience: int = 2, factor: float = 0.5) -> None:
        self.patience, self.factor = patience, factor
        self.scale, self.best, self.waited = 1.0, math.inf, 0

    def update(self, val_loss: float) -> None:
        """Take an epoch's validation loss."""
        if val_loss < self.best:
            self.best, self.waited = val_loss, 0
            return
        self.waited += 1
        if self.waited >= self.patience:
            self.scale, self.waited = self.scale * self.factor, 0

    def state(self) -> dict[str, Any]:
        """Return what a checkpoint keeps (infinity as null: JSON has none)."""
        best = None if math.isinf(self.best) else self.best
        return {"scale": self.scale, "best": best, "waited": self.waited}

    def restore(self, state: dict[str, Any]) -> None:
        """Take back what `state` gave."""
        self.scale, self.waited = float(state["scale"]), int(state["waited"])
        self.best = math.inf if state["best"] is None else float(state["best"])
