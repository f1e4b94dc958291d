"""Panels: ticks of an axis, and room for their texts."""

from __future__ import annotations

import itertools
import xml.etree.ElementTree as ET

import pytest

from ctcbench.reporting.formats.svg.panel import Panel, tick_text, ticks


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(0, 100, [0, 20, 40, 60, 80, 100]), (0, 14.04, [0, 5, 10]), (0, 0.7, [0, 0.2, 0.4, 0.6]), (3, 3, [3])],
)
def test_ticks_are_round(low, high, expected):
    assert ticks(low, high) == expected


@pytest.mark.parametrize(("tick", "text"), [(0, "0"), (1_500_000, "1,500,000"), (0.0025, "0.0025")])
def test_the_text_of_a_tick_is_its_value(tick, text):
    assert tick_text(tick) == text


@pytest.mark.parametrize("highest_step", [4, 1_000, 2_500_000])
@pytest.mark.parametrize("highest", [0.00012, 15, 12_345_678])
def test_the_texts_of_ticks_are_within_the_panel_and_apart(highest, highest_step):
    panel = Panel.within(20, 380, 40, 240, (0, highest_step), (0, highest))
    assert 20 < panel.left < panel.right <= 380
    texts = [ET.fromstring(part) for part in panel.frame("", "") if 'class="tick"' in part]
    wide = 6.7  # pixels of a figure in DejaVu Sans at 12 px
    ends = {"end": 1.0, "middle": 0.5}
    spans = []
    for text in texts:
        width = len(text.text) * wide
        start = float(text.get("x")) - ends[text.get("text-anchor")] * width
        assert start >= 20 and start + width <= 380.5
        if text.get("text-anchor") == "middle":
            spans.append((start, start + width))
    assert len(spans) >= 2
    assert all(one[1] < other[0] for one, other in itertools.pairwise(spans))
