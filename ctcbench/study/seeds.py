"""read_seeds(): how many seeds, or which ones."""

from __future__ import annotations

from typing import Any

from ctcbench.contract.errors import UsageError
from ctcbench.contract.options import show

MOST_SEEDS = 100_000


def read_seeds(given: Any) -> tuple[int, ...]:
    """Return the seeds that ``5`` (0 to 4), ``"5"``, ``"3,5,7"`` or ``[3, 5, 7]`` stand for.

    Raises:
        UsageError: something else is given, or nothing.
    """
    words = (
        given.split(",") if isinstance(given, str) else given if isinstance(given, list | tuple) else [given]
    )
    try:
        if not words or not all(isinstance(word, int | str) and not isinstance(word, bool) for word in words):
            raise ValueError
        seeds = [int(word) for word in words]
    except ValueError:
        raise UsageError(f"seeds {show(given)}: expected how many (5), or which ones (3,5,7)") from None
    if len(seeds) == 1 and not isinstance(given, list | tuple):
        if not 1 <= seeds[0] <= MOST_SEEDS:
            raise UsageError(
                f"seeds {show(given)}: expected how many, 1 to {MOST_SEEDS:,}; which ones take a list (3,5,7)"
            )
        return tuple(range(seeds[0]))
    return tuple(seeds)
