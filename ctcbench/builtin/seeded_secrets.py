"""A seeded replacement of the module ``secrets``, from which the package captcha draws its numbers."""

from __future__ import annotations

import importlib.metadata
import random
from collections.abc import Sequence
from typing import Any, TypeVar

from ctcbench.contract.errors import CtcbenchError

T = TypeVar("T")
_RESOLUTION = 2**24  # values of a random number between two limits


class Chance:
    """The three functions of ``secrets`` that captcha calls, as methods of a seeded generator."""

    def __init__(self, seed: int) -> None:
        # The bound method itself: an image takes some 200 numbers, so a call less is worth having.
        self.randbits = random.Random(seed).getrandbits

    def randbelow(self, exclusive_upper_bound: int) -> int:
        """Return an integer from 0 up to, not including, the bound."""
        if exclusive_upper_bound < 1:
            raise ValueError("the upper bound must be positive")
        # Not random.randrange: how that uses getrandbits differs between versions of Python.
        bits = (exclusive_upper_bound - 1).bit_length()
        # Rejection keeps the numbers uniform, unlike a remainder. No bits are always 0, and draw nothing.
        drawn = self.randbits(bits)
        while drawn >= exclusive_upper_bound:
            drawn = self.randbits(bits)
        return drawn

    def choice(self, sequence: Sequence[T]) -> T:
        """Return one element of a sequence."""
        return sequence[self.randbelow(len(sequence))]

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise unsupported(f"draws with secrets.{name}")


def uniform(chance: Chance, low: float, high: float) -> float:
    """Return a number from `low` up to, not including, `high`."""
    return low + (high - low) * chance.randbelow(_RESOLUTION) / _RESOLUTION


def unsupported(what: str) -> CtcbenchError:
    """Return the error for a version of captcha whose images can't be made from a seed."""
    version = importlib.metadata.version("captcha")
    return CtcbenchError(
        f"captcha {version} {what}, so its images can't be made from a seed: pip install 'captcha==0.7.1'"
    )
