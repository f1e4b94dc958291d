"""Two configurations on the same images: McNemar's exact test, the paired bootstrap, Holm's correction."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ctcbench.evaluation.confidence_intervals import SEED
from ctcbench.evaluation.distributions import binomial_cdf

PAIRED_RESAMPLES = 10_000  # a p-value of 0.05 is then known to ± 0.004
_DRAWS_AT_ONCE = 1_000_000  # 8 MB however many images there are


@dataclass(frozen=True)
class Bootstrapped:
    """A difference (first − second), its 95 % percentile interval, and the two-sided p-value."""

    difference: float
    interval: tuple[float, float]
    p: float


def mcnemar(first_only: int, second_only: int) -> float:
    """Return the p-value of McNemar's test (1947), exact and two-sided.

    Where only one of two is right, either is as likely to be it if they are equally good: twice the
    smaller binomial tail with p = ½, 1 at most. 1.0 where they never differ.

    Raises:
        ValueError: a negative count.
    """
    if first_only < 0 or second_only < 0:
        raise ValueError(f"{first_only} and {second_only} images: counts are 0 or more")
    return min(1.0, 2 * binomial_cdf(min(first_only, second_only), first_only + second_only, 0.5))


def resampled_ratios(
    numerators_CN: NDArray[np.float64],
    denominators_N: NDArray[np.float64],
    *,
    resamples: int = PAIRED_RESAMPLES,
    seed: int = SEED,
) -> NDArray[np.float64]:
    """Return Σ numerators / Σ denominators of C configurations under the same draws of N images.

    Shape (resamples, C). That all configurations see the same draws is what makes differences between
    columns a paired bootstrap (Koehn 2004; Bisani and Ney 2004 for error rates). Draws whose
    denominators add up to 0 have no ratio and are left out.

    Raises:
        ValueError: shapes that don't fit, no images, or denominators that are negative or all 0.
    """
    images = len(denominators_N)
    if not images or numerators_CN.ndim != 2 or numerators_CN.shape[1] != images:
        raise ValueError(f"numerators of shape {numerators_CN.shape}, but {images} denominators")
    if denominators_N.min() < 0 or denominators_N.max() <= 0:
        raise ValueError("the denominators must be 0 or more, and not all 0")
    # float32 holds every count and sum here exactly enough (2²⁴), at twice the speed.
    columns_NC = np.vstack([numerators_CN, denominators_N]).T.astype(np.float32)
    generator = np.random.default_rng(seed)
    at_once = max(1, _DRAWS_AT_ONCE // images)
    sums = []
    for start in range(0, resamples, at_once):
        size = min(at_once, resamples - start)
        drawn_RN = generator.integers(0, images, (size, images), dtype=np.int64)
        drawn_RN += np.arange(size)[:, np.newaxis] * images
        counts_RN = np.bincount(drawn_RN.ravel(), minlength=size * images).reshape(size, images)
        sums.append(counts_RN.astype(np.float32) @ columns_NC)
    sums_RC = np.concatenate(sums).astype(np.float64)
    sums_RC = sums_RC[sums_RC[:, -1] > 0]
    return np.asarray(sums_RC[:, :-1] / sums_RC[:, -1:])


def bootstrap_test(difference: float, differences_R: NDArray[np.float64], differing: int) -> Bootstrapped:
    """Return interval and p-value of an observed `difference` from its resamples.

    `differing` is on how many images the two differ at all.

    p is twice the smaller share of resamples on the other side of 0, (k + 1) / (R + 1), 1 at most:
    the level at which the percentile interval would just touch 0 (Davison and Hinkley 1997). Where
    no resample is there, a normal with the resamples' standard deviation says how far out 0 is, or
    no difference could be significant among hundreds of comparisons, however large it is. Few images
    have no tail like that: p is no smaller than the sign test's where all that differ do so one way.
    """
    low, high = np.quantile(differences_R, [0.025, 0.975])
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

    Comparing them with α bounds the chance of even one false finding among all by α, with no
    assumption on how the tests depend on each other.

    Raises:
        ValueError: a p-value outside of 0 to 1.
    """
    if not all(0 <= p <= 1 for p in p_values):
        raise ValueError("p-values are within 0 to 1")
    adjusted, highest = [0.0] * len(p_values), 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = highest
    return adjusted
