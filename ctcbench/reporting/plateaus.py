"""Plateaus: when the runs of a row left the blank plateau, and how many never did."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import Any

from ctcbench.reporting.members import models_of
from ctcbench.reporting.number_format import MISSING
from ctcbench.reporting.report_model import Row


@dataclass(frozen=True)
class Plateaus:
    """``steps`` at which models left the plateau, in ascending order; ``never`` ended their training on it.

    Models whose results do not say are neither. A model counts once, however many decoders read it.
    """

    steps: tuple[int, ...]
    never: int

    @classmethod
    def of(cls, row: Row) -> Plateaus:
        """Return what is known of the models of a row."""
        models = [model[0] for model in models_of(row.members)]
        steps = sorted(m.left_plateau_step for m in models if m.left_plateau_step is not None)
        return cls(tuple(steps), sum(model.never_left_plateau for model in models))

    @property
    def median(self) -> float | None:
        """The median step of those that left; None where none did."""
        return median(self.steps) if self.steps else None

    @property
    def known(self) -> bool:
        """Whether anything is known of any model."""
        return bool(self.steps or self.never)

    def __str__(self) -> str:
        """Return ``412 (220 – 731), 3 never``: median, lowest and highest step, and those that never did."""
        if not self.known:
            return MISSING
        if not self.steps:
            return "never"
        low, high = self.steps[0], self.steps[-1]
        text = f"{self.median:,.0f}" + (f" ({low:,} – {high:,})" if low < high else "")
        return text + (f", {self.never} never" if self.never else "")

    def to_json(self) -> dict[str, Any]:
        """Return the figures by their names."""
        low, high = (self.steps[0], self.steps[-1]) if self.steps else (None, None)
        return {"left": len(self.steps), "never": self.never, "median": self.median, "low": low, "high": high}
