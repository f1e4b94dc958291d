"""Panel: a pair of axes in a figure, with its scales, round ticks, grid and labels."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from ctcbench.reporting.formats.svg.markup import element

_FIGURE = 7.2  # pixels of a figure in the 12 px of the labels, in the widest of the fonts
_GAP = 8  # pixels between an axis and the texts of its ticks


@dataclass(frozen=True)
class Panel:
    """A pair of axes: its bounds in the picture, in pixels, and the ranges of values along both axes."""

    left: float
    right: float
    top: float
    bottom: float
    xs: tuple[float, float]
    ys: tuple[float, float]

    @classmethod
    def within(
        cls,
        left: float,
        right: float,
        top: float,
        bottom: float,
        xs: tuple[float, float],
        ys: tuple[float, float],
    ) -> Panel:
        """Return the panel whose axes, with the texts of their ticks, are between `left` and `right`."""
        left += max(_width(tick_text(tick)) for tick in ticks(*ys)) + _GAP
        # The text of the last tick is centred below the end of the axis.
        right -= _width(tick_text(ticks(*xs)[-1])) / 2
        return cls(left, right, top, bottom, xs, ys)

    def x(self, value: float) -> float:
        """Return the horizontal position of a value in pixels."""
        # `or 1.0`: a run of one step has a range of 0.
        low, high = self.xs
        return self.left + (value - low) / (high - low or 1.0) * (self.right - self.left)

    def y(self, value: float) -> float:
        """Return the vertical position of a value in pixels, from the top."""
        low, high = self.ys
        # In SVG y grows downwards.
        return self.bottom - (value - low) / (high - low or 1.0) * (self.bottom - self.top)

    def frame(self, title: str, x_label: str) -> Iterator[str]:
        """Yield the grid, the ticks with their values, and the labels of both axes."""
        for tick in ticks(*self.ys):
            at = f"{self.y(tick):.1f}"
            yield element("line", cls="grid", x1=self.left, x2=self.right, y1=at, y2=at)
            text = tick_text(tick)
            yield element("text", text, cls="tick", x=self.left - _GAP, y=at, dy="0.32em", anchor="end")
        # As many as fit with a figure between them.
        widest = max(_width(tick_text(tick)) for tick in ticks(*self.xs)) + _FIGURE
        for tick in ticks(*self.xs, most=max(1, min(5, int((self.right - self.left) / widest)))):
            at = f"{self.x(tick):.1f}"
            yield element("line", cls="axis", x1=at, x2=at, y1=self.bottom, y2=self.bottom + 4)
            text = tick_text(tick)
            yield element("text", text, cls="tick", x=at, y=self.bottom + 18, anchor="middle")
        yield element("line", cls="axis", x1=self.left, x2=self.right, y1=self.bottom, y2=self.bottom)
        yield element("text", title, cls="label", x=self.left, y=self.top - 12)
        middle = (self.left + self.right) / 2
        yield element("text", x_label, cls="label", x=middle, y=self.bottom + 37, anchor="middle")


def tick_text(tick: float) -> str:
    """Return the value of a tick as a text."""
    return f"{tick:,.0f}" if tick == round(tick) else f"{tick:,.12g}"


def _width(text: str) -> float:
    return len(text) * _FIGURE


def ticks(low: float, high: float, most: int = 5) -> list[float]:
    """Return multiples of 1, 2 or 5 times a power of 10 between `low` and `high`, at most `most` steps."""
    span = high - low
    if not span > 0:
        return [low]
    power = 10.0 ** math.floor(math.log10(span / most))
    step = next(power * factor for factor in (1, 2, 5, 10, 20) if span / (power * factor) <= most)
    # The tolerance keeps a bound that is a multiple of the step, despite rounding.
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    # 0.1 + 0.2 would be written 0.30000000000000004.
    return [float(f"{number * step:.12g}") for number in range(first, last + 1)]
