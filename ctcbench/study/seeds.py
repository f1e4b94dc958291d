"""read_seeds(): how many seeds, or which ones."""

from __future__ import annotations

from typing import Any

from ctcbench.contract.errors import UsageError
from ctcbench.contract.options import show


def read_seeds(given: Any) -> tuple[int, ...]:
    """Return the seeds that ``5`` (0 to 4), ``"5"``, ``"3,5,7"`` or ``[3, 5, 7]`` stand for.

    Raises:
        UsageError: something else is given, or nothing.
    """
    words = given.split(",") if isinstance(given, str) else [given] if isinstance(given, int) else given
    try:
        seeds = [int(word) for word in words if not isinstance(word, bool | float)]
        if not seeds or len(seeds) != len(words):
            raise ValueError
    except (TypeError, ValueError):
        raise UsageError(f"seeds {show(given)}: expected how many (5), or which ones (3,5,7)") from None
    if len(seeds) == 1 and not isinstance(given, list | tuple) and "," not in str(given):
        if not 1 <= seeds[0] <= 100_000:
            raise UsageError(f"seeds {show(given)}: expected 1 or more")
        return tuple(range(seeds[0]))
    return tuple(seeds)
