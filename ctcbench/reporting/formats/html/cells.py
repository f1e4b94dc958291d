"""What stands in the cells of the page's tables: figures, and places on a scale."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from ctcbench.reporting.number_format import MISSING
from ctcbench.reporting.report_model import Effect, Estimate


@dataclass(frozen=True)
class Scale:
    """Places figures between two ends, as a percentage of the width."""

    low: float
    high: float

    def at(self, value: float) -> str:
        """Return the place of `value`, as ``12.5%``, those beyond an end at that end."""
        span = self.high - self.low or 1.0
        return f"{min(100.0, max(0.0, (value - self.low) / span * 100)):.2f}%"

    @classmethod
    def of(cls, estimates: Sequence[Estimate]) -> Scale:
        """Return the scale that has room for these shares with their intervals, within 0 to 1."""
        values = [v for e in estimates for v in (e.mean, *(e.interval or ()))]
        low, high = max(0.0, min(values, default=0.0)), min(1.0, max(values, default=1.0))
        margin = (high - low) * 0.06 or 0.01
        return cls(low - margin, high + margin)

    @classmethod
    def of_effects(cls, effects: Sequence[Effect]) -> Scale:
        """Return the scale around zero that has room for these effects."""
        values = [abs(v) for e in effects for v in (e.difference, *(e.interval or ()))]
        most = max(values, default=0.0) * 1.06 or 0.01
        return cls(-most, most)


def share(value: float | None, digits: int = 2) -> str:
    """Return a share (0 to 1) in per cent, without the sign: ``91.95``."""
    return MISSING if value is None else f"{value * 100:.{digits}f}".replace("-", "−")


def points(value: float | None) -> str:
    """Return a difference of shares in points, its sign before it: ``+2.10``, ``−0.31``."""
    if value is None:
        return MISSING
    return f"{value * 100:+z.2f}".replace("-", "−")


def breakable(text: str) -> Markup:
    """Return a component string, escaped, with leave to break the line after a colon or comma."""
    return Markup(str(escape(text)).replace(":", ":<wbr>").replace(",", ",<wbr>"))
