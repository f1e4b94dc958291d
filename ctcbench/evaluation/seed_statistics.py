"""Statistics over seeds: mean and interval, t-tests, the interval of a proportion, main effects."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

from ctcbench.evaluation.distributions import beta_quantile, t_quantile, t_two_sided

Interval = tuple[float, float]
Cell = tuple[Hashable, Hashable]


@dataclass(frozen=True)
class SeedSpread:
    """Mean, sample standard deviation (n − 1) and Student's interval; the last two are None for n = 1."""

    n: int
    mean: float
    sd: float | None
    interval: Interval | None


@dataclass(frozen=True)
class TTest:
    """A difference of means, its 95 % interval, and the two-sided p-value."""

    difference: float
    interval: Interval
    p: float


def spread(values: Sequence[float], confidence: float = 0.95) -> SeedSpread:
    """Return mean ± t·sd/√n (Student 1908), t having n − 1 degrees of freedom.

    Raises:
        ValueError: there are no values.
    """
    if not values:
        raise ValueError("a spread needs at least one value")
    mean, n = fmean(values), len(values)
    # One value has no standard deviation, and Student's t no distribution with 0 degrees of freedom.
    if n == 1:
        return SeedSpread(1, mean, None, None)
    sd = stdev(values)
    half = t_quantile(n - 1, confidence) * sd / math.sqrt(n)
    return SeedSpread(n, mean, sd, (mean - half, mean + half))


def bounded(interval: Interval, low: float, high: float) -> Interval:
    """Return the part of an interval from `low` to `high`: Student's has no bounds, but a share does."""
    return max(interval[0], low), min(interval[1], high)


def paired_t(first: Sequence[float], second: Sequence[float], resolution: float = 0.0) -> TTest:
    """Return the paired t-test of first − second (Student 1908), at 95 %.

    Args:
        first: a value for each pair.
        second: the others.
        resolution: the values are multiples of it, as accuracies of N images are multiples of 1/N. Equal
            differences are no proof that they do not vary: their standard deviation is taken to be at least
            that of rounding.

    Raises:
        ValueError: there are fewer than two pairs, or the sequences differ in length.
    """
    found = spread([one - other for one, other in zip(first, second, strict=True)])
    if found.sd is None:
        raise ValueError("a t-test needs two or more pairs")
    error = max(found.sd, rounding_sd(resolution) * math.sqrt(2)) / math.sqrt(found.n)
    return _t_test(found.mean, error, found.n - 1)


def rounding_sd(resolution: float) -> float:
    """Return the standard deviation of rounding to multiples of `resolution`."""
    return resolution / math.sqrt(12)


def welch_t(first: Sequence[float], second: Sequence[float], resolution: float = 0.0) -> TTest:
    """Return Welch's t-test (1947) of first − second at 95 %; the variances need not be equal.

    `resolution` is that of `paired_t`.

    Raises:
        ValueError: a side has fewer than two values.
    """
    one, other = spread(first), spread(second)
    if one.sd is None or other.sd is None:
        raise ValueError("Welch's test needs two or more values on each side")
    difference = one.mean - other.mean
    parts = [max(side.sd or 0.0, rounding_sd(resolution)) ** 2 / side.n for side in (one, other)]
    variance = sum(parts)
    if variance == 0:  # all values of each side are equal: no interval, and p is 0 or 1
        return _t_test(difference, 0.0, 1)
    # Degrees of freedom by Welch (1947) and Satterthwaite (1946).
    df = variance**2 / sum(part**2 / (n - 1) for part, n in zip(parts, (one.n, other.n), strict=True))
    return _t_test(difference, math.sqrt(variance), df)


def clopper_pearson(successes: float, n: int, confidence: float = 0.95) -> Interval:
    """Return the exact interval of Clopper and Pearson (1934) for the share `successes` / `n`.

    `successes` need not be whole: if each of the `n` is a cluster, it is the sum of the clusters' shares
    (Korn and Graubard 1998).

    Raises:
        ValueError: `n` is below 1, or `successes` not within 0 to `n`.
    """
    if not 0 <= successes <= n or n < 1:
        raise ValueError(f"{successes} successes of {n}: n must be 1 or more, successes 0 to n")
    tail = (1 - confidence) / 2
    # Quantiles of beta distributions; at 0 and at n successes one parameter would be 0, and the bound is
    # exact.
    low = beta_quantile(successes, n - successes + 1, tail) if successes else 0.0
    high = beta_quantile(successes + 1, n - successes, 1 - tail) if successes < n else 1.0
    return low, high


@dataclass(frozen=True)
class MainEffect:
    """A difference (level − baseline) with its interval over `seeds` (None for one) from `pairs` of cells."""

    difference: float
    interval: Interval | None
    seeds: int
    pairs: int


def main_effect(
    baseline: Mapping[Cell, float], level: Mapping[Cell, float], resolution: float = 0.0
) -> MainEffect | None:
    """Return the main effect of `level` against `baseline`; None if no cells can be paired.

    Both map a cell (values of all other axes, seed) to a value. The differences of the cells that both
    have are averaged within each seed and then over seeds. In a full factorial design this is the main
    effect of Box, Hunter and Hunter (1978). `resolution` is that of `paired_t`.
    """
    # The interval is over the seeds' averages because seeds are what was drawn at random: the levels of
    # the other axes were chosen, and results of one seed (two decoders of one model) are not independent.
    differences: dict[Hashable, list[float]] = {}  # by seed
    for cell in baseline.keys() & level.keys():
        differences.setdefault(cell[1], []).append(level[cell] - baseline[cell])
    if not differences:
        return None
    found = spread([fmean(values) for values in differences.values()])
    pairs = sum(map(len, differences.values()))
    if found.sd is None:
        return MainEffect(found.mean, None, found.n, pairs)
    # Each value is a mean of several differences, whose errors of rounding cancel out in part.
    least = rounding_sd(resolution) * math.sqrt(2 * found.n / pairs)
    test = _t_test(found.mean, max(found.sd, least) / math.sqrt(found.n), found.n - 1)
    return MainEffect(found.mean, test.interval, found.n, pairs)


def _t_test(difference: float, error: float, df: float) -> TTest:
    half = t_quantile(df) * error
    return TTest(difference, (difference - half, difference + half), _p(difference, error, df))


def _p(difference: float, error: float, df: float) -> float:
    # All differences are equal. Then t is 0 / 0 or infinite.
    if error == 0:
        return 1.0 if difference == 0 else 0.0
    return t_two_sided(difference / error, df)
