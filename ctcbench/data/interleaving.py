"""Interleaving: in which order the samples of two data sets follow each other."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

MAIN, EXTRA = 0, 1


@dataclass(frozen=True)
class Interleaving:
    """An even order of the samples of a main and an extra data set.

    Of the first n samples, n times the share are of the extra set, rounded to the nearest number, for every
    n. A half is rounded down, so that a sample of the main set comes first.

    Attributes:
        share: share of the samples that are of the extra set, over 0 and under 1.
    """

    share: float

    def extra_among(self, count: int) -> int:
        """Return how many of the first `count` samples are of the extra set."""
        twice, half, whole = self._terms
        return (count * twice + half) // whole

    def locate(self, index: int) -> tuple[int, int]:
        """Return the set that a sample is of, `MAIN` or `EXTRA`, and the number of its samples before it."""
        before = self.extra_among(index)
        if self.extra_among(index + 1) > before:
            return EXTRA, before
        return MAIN, index - before

    @cached_property
    def _terms(self) -> tuple[int, int, int]:
        # count × share − 1/2, rounded up, is (2 × count × numerator + denominator − 1) // (2 × denominator).
        share = self.exact
        return 2 * share.numerator, share.denominator - 1, 2 * share.denominator

    @cached_property
    def exact(self) -> Fraction:
        """The share as the decimal number that was written: 0.29 as a binary number is slightly less."""
        return Fraction(str(self.share))
