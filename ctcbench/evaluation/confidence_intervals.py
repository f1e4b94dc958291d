"""Confidence intervals over images: Wilson's for shares, the bootstrap's for means and ratios."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ctcbench.evaluation.seed_statistics import Interval

# The bounds are quantiles with 50 resamples beyond each. The seed is fixed: the same texts always have the
# same interval.
RESAMPLES = 2_000
SEED = 0
_COUNTS_AT_ONCE = 1_000_000  # int64 values: 8 MB, whatever the number of images


def wilson(successes: int, n: int, confidence: float = 0.95) -> Interval:
    """Return Wilson's score interval (1927) for the share `successes` / `n`.

    Unlike Wald's interval p ± z·√(p(1 − p)/n), it lies within 0 to 1 and has a width above 0 at 0 and at
    `n` successes.

    Raises:
        ValueError: `n` is below 1, `successes` is not within 0 to `n`, or `confidence` not between 0 and 1.
    """
    if not 0 <= successes <= n or n < 1:
        raise ValueError(f"{successes} successes of {n}: n must be 1 or more, successes 0 to n")
    z = NormalDist().inv_cdf((1 + _require_share(confidence)) / 2)
    share = successes / n
    centre = share + z * z / (2 * n)
    spread = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    # The bounds are exactly 0 and 1 in theory; rounding would miss them by 1e-17.
    low = 0.0 if successes == 0 else (centre - spread) / scale
    high = 1.0 if successes == n else (centre + spread) / scale
    return low, high


def bootstrap_mean(
    values_N: ArrayLike, confidence: float = 0.95, *, resamples: int = RESAMPLES, seed: int = SEED
) -> Interval:
    """Return the bootstrap's percentile interval (Efron 1979) for the mean of `values_N`.

    The same values and seed return the same interval. If all values are equal, the bounds are equal too:
    a bootstrap draws from its sample alone.

    Raises:
        ValueError: there are no values, or some are not finite.
    """
    values_N1 = _column(values_N)
    sums_R1 = _resampled_sums(values_N1, resamples, seed)
    return _percentiles(sums_R1[:, 0] / len(values_N1), confidence)


def bootstrap_ratio(
    numerators_N: ArrayLike,
    denominators_N: ArrayLike,
    confidence: float = 0.95,
    *,
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> Interval:
    """Return the bootstrap's percentile interval for Σ numerators / Σ denominators.

    Pairs are drawn together. Resamples whose denominators sum to 0 have no ratio and are left out.

    Raises:
        ValueError: there are no pairs, a number is not finite, a denominator is negative, or all are 0.
    """
    numerators_N1, denominators_N1 = _column(numerators_N), _column(denominators_N)
    if len(numerators_N1) != len(denominators_N1):
        raise ValueError(f"{len(numerators_N1)} numerators, but {len(denominators_N1)} denominators")
    if denominators_N1.min() < 0 or denominators_N1.max() == 0:
        raise ValueError("the denominators must be 0 or more, and not all 0")
    # Numerator and denominator of an image stay together: their ratio is what varies over images.
    sums_R2 = _resampled_sums(np.hstack([numerators_N1, denominators_N1]), resamples, seed)
    # With empty targets, a resample can consist of those only.
    sums_R2 = sums_R2[sums_R2[:, 1] > 0]
    if not len(sums_R2):
        raise ValueError("the denominators of every resample sum to 0: too few of them are above 0")
    return _percentiles(sums_R2[:, 0] / sums_R2[:, 1], confidence)


def _resampled_sums(rows_NC: NDArray[np.float64], resamples: int, seed: int) -> NDArray[np.float64]:
    """Return the column sums, shape (resamples, C), of `resamples` draws of N rows with replacement."""
    if resamples < 1:
        raise ValueError(f"{resamples} resamples: at least 1 is needed")
    # The number of times that each of the U distinct rows is drawn is multinomial. Drawing these counts
    # instead of the rows has the same distribution and costs less, as edit distances have few distinct
    # values.
    distinct_UC, counts_U = np.unique(rows_NC, axis=0, return_counts=True)
    shares_U = counts_U / len(rows_NC)
    generator = np.random.default_rng(seed)
    at_once = max(1, _COUNTS_AT_ONCE // len(distinct_UC))
    # In parts, because all counts at once would be resamples × U numbers.
    sizes = [min(at_once, resamples - start) for start in range(0, resamples, at_once)]
    return np.concatenate(
        [generator.multinomial(len(rows_NC), shares_U, size=size) @ distinct_UC for size in sizes]
    )


def _percentiles(estimates_R: NDArray[np.float64], confidence: float) -> Interval:
    tail = (1 - _require_share(confidence)) / 2
    low, high = np.quantile(estimates_R, [tail, 1 - tail])
    return float(low), float(high)


def _column(values_N: ArrayLike) -> NDArray[np.float64]:
    column = np.asarray(values_N, dtype=np.float64)
    if column.ndim != 1 or not len(column) or not np.isfinite(column).all():
        raise ValueError("expected a list of one or more finite numbers")
    return column[:, np.newaxis]


def _require_share(confidence: float) -> float:
    if not 0 < confidence < 1:
        raise ValueError(f"confidence {confidence}: must be between 0 and 1")
    return confidence
