"""`make demo`: the figures that it prints are measured ones."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_figures_that_the_demo_prints_are_those_of_the_benchmarks() -> None:
    recipe = re.search(
        r"^demo:.*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert recipe
    shares = re.findall(r"[\d.]+ %", recipe[1])
    benchmarks = (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    assert len(shares) == 2
    for share in shares:
        assert f"mean {share.removesuffix(' %')} ±" in benchmarks
