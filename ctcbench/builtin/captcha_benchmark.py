"""Benchmark: `python -m ctcbench.builtin.captcha_benchmark` draws with the painter and with the package.

Both draw the same images, in turn, in one process with one thread.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

from ctcbench.builtin.captcha import captcha
from ctcbench.builtin.seeded_secrets import Chance

_ROUNDS = 15
_IMAGES = 100  # per round


def main() -> None:
    """Print milliseconds per image of both, and their ratio, as medians with quartiles."""
    source = captcha()
    texts = [source.draw("train", i).text for i in range(_IMAGES)]
    package_ms, painter_ms = [], []
    # Interleaved, so that a busy moment of the machine slows down both.
    for _ in range(_ROUNDS):
        package_ms.append(_ms_per_image(source.painter.paint_with_package, texts))
        painter_ms.append(_ms_per_image(source.painter.paint, texts))
    ratios = [package / painter for package, painter in zip(package_ms, painter_ms, strict=True)]
    for name, values in (
        ("package, ms per image", package_ms),
        ("painter, ms per image", painter_ms),
        ("ratio", ratios),
    ):
        low, median, high = statistics.quantiles(values, n=4)
        print(f"{name:22} {median:6.3f}  (quartiles {low:.3f} – {high:.3f})")


def _ms_per_image(paint: Callable[[str, Chance], Any], texts: list[str]) -> float:
    started = time.perf_counter()
    for seed, text in enumerate(texts):
        paint(text, Chance(seed))
    return (time.perf_counter() - started) * 1e3 / len(texts)


if __name__ == "__main__":
    main()
