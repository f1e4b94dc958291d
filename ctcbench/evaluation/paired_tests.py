"""Tests of two configurations on the same images: McNemar's test, paired bootstrap, Holm's correction."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ctcbench.evaluation.confidence_intervals import SEED
from ctcbench.evaluation.distributions import binomial_cdf
from ctcbench.evaluation.seed_statistics import Interval

PAIRED_RESAMPLES = 10_000  # a p-value of 0.05 then has a standard error of 0.003
_DRAWS_AT_ONCE = 1_000_000  # int64 values: 8 MB, whatever the number of images


@dataclass(frozen=True)
class Bootstrapped:
    """A difference (first − second), its 95 % percentile interval, and the two-sided p-value."""

    difference: float
    interval: Interval
    p: float


def mcnemar(first_only: int, second_only: int) -> float:
    """Return the p-value of McNemar's test (1947), exact and two-sided.

    Under the null hypothesis, on an image that only one of the two read correctly, each is that one with
    probability ½. The p-value is twice the smaller binomial tail, at most 1; it is 1.0 if the two never
    differ.

    Raises:
        ValueError: a count is negative.
    """
    if first_only < 0 or second_only < 0:
        raise ValueError(f"{first_only} and {second_only} images: counts are 0 or more")
    # Images that both or neither read correctly carry no information about the difference.
    return min(1.0, 2 * binomial_cdf(min(first_only, second_only), first_only + second_only, 0.5))


def resampled_ratios(
    numerators_CN: NDArray[np.float64],
    denominators_N: NDArray[np.float64],
    *,
    resamples: int = PAIRED_RESAMPLES,
    seed: int = SEED,
) -> NDArray[np.float64]:
    """Return Σ numerators / Σ denominators of C configurations for `resamples` draws of N images.

    The result has shape (resamples, C). All configurations use the same draws, so that differences
    between columns are a paired bootstrap (Koehn 2004; for error rates Bisani and Ney 2004). Draws whose
    denominators sum to 0 have no ratio and are left out.

    Raises:
        ValueError: the shapes do not match, there are no images, or denominators are negative or all 0.
    """
    images = len(denominators_N)
    if not images or numerators_CN.ndim != 2 or numerators_CN.shape[1] != images:
        raise ValueError(f"numerators of shape {numerators_CN.shape}, but {images} denominators")
    if denominators_N.min() < 0 or denominators_N.max() <= 0:
        raise ValueError("the denominators must be 0 or more, and not all 0")
    # float32 is precise enough for these counts and sums (integers are exact up to 2²⁴) and twice as fast.
    columns_NC = np.vstack([numerators_CN, denominators_N]).T.astype(np.float32)
    generator = np.random.default_rng(seed)
    at_once = max(1, _DRAWS_AT_ONCE // images)
    sums = []
    for start in range(0, resamples, at_once):
        size = min(at_once, resamples - start)
        drawn_RN = generator.integers(0, images, (size, images), dtype=np.int64)
        # Each resample counts in a range of its own, so that one bincount() counts all of them.
        drawn_RN += np.arange(size)[:, np.newaxis] * images
        counts_RN = np.bincount(drawn_RN.ravel(), minlength=size * images).reshape(size, images)
        sums.append(counts_RN.astype(np.float32) @ columns_NC)
    sums_RC = np.concatenate(sums).astype(np.float64)
    sums_RC = sums_RC[sums_RC[:, -1] > 0]
    return np.asarray(sums_RC[:, :-1] / sums_RC[:, -1:])


def bootstrap_test(difference: float, differences_R: NDArray[np.float64], differing: int) -> Bootstrapped:
    """Return the interval and p-value of an observed `difference`, given its R resamples.

    `differing` is the number of images on which the two configurations differ. With k resamples on the
    other side of 0, p is 2·(k + 1)/(R + 1), at most 1 (Davison and Hinkley 1997). For k = 0 it is the tail of
    a normal with the resamples' standard deviation. It is never below the smallest p-value of a sign test
    over `differing` images.
    """
    # 2·(k + 1)/(R + 1) is the level at which the percentile interval touches 0: test and interval agree.
    # Without the normal tail p could not be below 2/(R + 1), and no difference would be significant after
    # a correction for hundreds of comparisons. With few images the normal tail is too small, hence the
    # bound by the sign test.
    low, high = np.quantile(differences_R, [0.025, 0.975])
    # A draw of exactly 0 counts on both sides, which makes p larger: the test stays conservative.
    draws = len(differences_R)
    below, above = int((differences_R <= 0).sum()), int((differences_R >= 0).sum())
    beyond = min(below, above)
    p = min(1.0, 2 * (beyond + 1) / (draws + 1))
    sd = float(differences_R.std())
    if not beyond and sd:
        p = min(p, math.erfc(abs(difference) / sd / math.sqrt(2)))  # 2·Φ(−z), exact far out
    p = max(p, mcnemar(0, differing))
    return Bootstrapped(difference, (float(low), float(high)), p)


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values adjusted by Holm's step-down method (1979), in the order given.

    Rejecting where the adjusted value is at most α keeps the probability of any false rejection (the
    family-wise error rate) at or below α, whatever the dependence between the tests.

    Raises:
        ValueError: a p-value is outside 0 to 1.
    """
    if not all(0 <= p <= 1 for p in p_values):
        raise ValueError("p-values are within 0 to 1")
    adjusted, highest = [0.0] * len(p_values), 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        # Step-down: an adjusted value is at least that of every smaller p.
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = highest
    return adjusted
