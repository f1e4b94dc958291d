"""What the cells of the page's tables need: numbers as text, and positions on the scale of a whisker."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from ctcbench.files.text import printable
from ctcbench.reporting.number_format import MISSING
from ctcbench.reporting.report_model import Effect, SeedEstimate


@dataclass(frozen=True)
class Scale:
    """A horizontal scale from ``low`` to ``high``."""

    low: float
    high: float

    def at(self, value: float) -> str:
        """Return the position of `value` as a percentage of the width, ``12.5%``, clipped to the scale."""
        span = self.high - self.low or 1.0
        return f"{min(100.0, max(0.0, (value - self.low) / span * 100)):.2f}%"

    @classmethod
    def of(cls, estimates: Sequence[SeedEstimate]) -> Scale:
        """Return a scale with room for these shares and their intervals."""
        values = [v for e in estimates for v in (e.mean, *(e.interval or ()))]
        # The range of the values, not 0 to 1: rows of 97 % and 98 % would be one dot.
        low, high = max(0.0, min(values, default=0.0)), min(1.0, max(values, default=1.0))
        margin = (high - low) * 0.06 or 0.01  # room for the dots at both ends
        return cls(low - margin, high + margin)

    @classmethod
    def of_effects(cls, effects: Sequence[Effect]) -> Scale:
        """Return a scale around zero with room for these effects and their intervals."""
        values = [abs(v) for e in effects for v in (e.difference, *(e.interval or ()))]
        most = max(values, default=0.0) * 1.06 or 0.01
        return cls(-most, most)


def share(value: float | None) -> str:
    """Return a share (0 to 1) in per cent, without the sign: ``91.95``."""
    return MISSING if value is None else f"{value * 100:.2f}".replace("-", "−")


def breakable(text: str) -> Markup:
    """Return a component string, escaped, with line breaks allowed after a colon or comma."""
    # Escaped first, because the tags that are added must not be.
    return Markup(str(escape(printable(text))).replace(":", ":<wbr>").replace(",", ",<wbr>"))
