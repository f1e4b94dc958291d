"""read_seeds(): the seeds of a study, from a count or a list."""

from __future__ import annotations

from typing import Any

from ctcbench.contract.errors import UsageError
from ctcbench.contract.options import show

MOST_SEEDS = 100_000


def read_seeds(given: Any) -> tuple[int, ...]:
    """Return the seeds that `given` stands for.

    ``5`` and ``"5"`` are the seeds 0 to 4; ``"3,5,7"`` and ``[3, 5, 7]`` are these three; ``"3,"`` and
    ``[3]`` are seed 3 alone.

    Raises:
        UsageError: `given` is something else.
    """
    if isinstance(given, str):
        words: Any = given.split(",")
        is_list = len(words) > 1
        if is_list and not words[-1].strip():  # "3,": one seed, written as a list
            words = words[:-1]
    else:
        is_list = isinstance(given, list | tuple)
        words = given if is_list else [given]
    try:
        # int() would also take 1.5 and true.
        if not words or not all(isinstance(word, int | str) and not isinstance(word, bool) for word in words):
            raise ValueError
        seeds = [int(word) for word in words]
    except ValueError:
        raise UsageError(
            f"seeds {show(given)}: expected a count (5 for 0 to 4) or a list (3,5,7; one seed: 3,)"
        ) from None
    if not is_list:
        if not 1 <= seeds[0] <= MOST_SEEDS:
            raise UsageError(
                f"seeds {show(given)}: expected a count, 1 to {MOST_SEEDS:,}, or a list of seeds (3,5,7)"
            )
        return tuple(range(seeds[0]))
    return tuple(seeds)
