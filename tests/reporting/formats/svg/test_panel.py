"""Ticks of an axis."""

from __future__ import annotations

import pytest

from ctcbench.reporting.formats.svg.panel import ticks


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(0, 100, [0, 20, 40, 60, 80, 100]), (0, 14.04, [0, 5, 10]), (0, 0.7, [0, 0.2, 0.4, 0.6]), (3, 3, [3])],
)
def test_ticks_are_round(low, high, expected):
    assert ticks(low, high) == expected
