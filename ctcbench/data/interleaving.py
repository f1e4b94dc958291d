"""Interleaving: in which order the samples of two data sets follow each other."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ctcbench.contract.errors import UsageError
from ctcbench.contract.word_lists import counted

MAIN, EXTRA = 0, 1
_BLOCK = 1 << 16  # samples


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

    def counts(self, count: int) -> tuple[int, int]:
        """Return how many of the first `count` samples are of the main and of the extra set."""
        extra = self.extra_among(count)
        return count - extra, extra

    def locate(self, index: int) -> tuple[int, int]:
        """Return the set that a sample is of, `MAIN` or `EXTRA`, and the number of its samples before it."""
        before = self.extra_among(index)
        if self.extra_among(index + 1) > before:
            return EXTRA, before
        return MAIN, index - before

    def parts(self, count: int) -> NDArray[np.int8]:
        """Return the set that each of the first `count` samples is of, `MAIN` or `EXTRA`."""
        twice, half, whole = self._terms
        # The products can be too large for the integers of an array.
        kind = np.int64 if count * twice + half < 2**63 else object
        parts_N = np.empty(count, np.int8)
        for start in range(0, count, _BLOCK):
            stop = min(start + _BLOCK, count)
            extra = (np.arange(start, stop + 1, dtype=kind) * twice + half) // whole
            parts_N[start:stop] = np.diff(extra)
        return parts_N

    @cached_property
    def _terms(self) -> tuple[int, int, int]:
        # count × share − 1/2, rounded up, is (2 × count × numerator + denominator − 1) // (2 × denominator).
        share = self.exact
        return 2 * share.numerator, share.denominator - 1, 2 * share.denominator

    @cached_property
    def exact(self) -> Fraction:
        """The share as the decimal number that was written: 0.29 as a binary number is slightly less."""
        return Fraction(str(self.share))


def require_both(share: float, count: int, main: str, extra: str) -> None:
    """Check that the first `count` training samples have one of each data set.

    Args:
        share: share of the samples that are of the extra set.
        count: number of training samples.
        main: component string of the main set, for the error.
        extra: that of the extra set.

    Raises:
        UsageError: they have none of one.
    """
    flags = (f"--dataset {main}", f"--extra-dataset {extra}")
    for flag, number in zip(flags, Interleaving(share).counts(count), strict=True):
        if not number:
            least = round(1 / count, len(str(count)) + 1)
            remedy = f"a share from {least:g} to {1 - least:g}, or more" if count > 1 else "more"
            raise UsageError(
                f"--extra-share {share:g}: none of {counted(count, 'training image')} would be of {flag}; "
                f"give {remedy} --train-samples"
            )
