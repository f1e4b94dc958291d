"""Figures over seeds: mean, spread and interval, t-tests, the rate of a rare event, a main effect."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

from ctcbench.evaluation.distributions import beta_quantile, t_quantile, t_two_sided

Interval = tuple[float, float]
Cell = tuple[Hashable, Hashable]


@dataclass(frozen=True)
class Spread:
    """Mean, standard deviation (n − 1) and Student's interval; None for both where n is 1."""

    n: int
    mean: float
    sd: float | None
    interval: Interval | None


@dataclass(frozen=True)
class TTest:
    """A difference of means, its interval, and the two-sided p-value."""

    difference: float
    interval: Interval
    p: float


def spread(values: Sequence[float], confidence: float = 0.95) -> Spread:
    """Return mean ± t·sd/√n (Student 1908), t with n − 1 degrees of freedom.

    Raises:
        ValueError: no values.
    """
    if not values:
        raise ValueError("a spread needs at least one value")
    mean, n = fmean(values), len(values)
    if n == 1:
        return Spread(1, mean, None, None)
    sd = stdev(values)
    half = t_quantile(n - 1, confidence) * sd / math.sqrt(n)
    return Spread(n, mean, sd, (mean - half, mean + half))


def paired_t(first: Sequence[float], second: Sequence[float]) -> TTest:
    """Return the paired t-test of first − second (Student 1908), at 95 %.

    Raises:
        ValueError: fewer than two pairs, or not as many of one as of the other.
    """
    found = spread([one - other for one, other in zip(first, second, strict=True)])
    if found.sd is None or found.interval is None:
        raise ValueError("a t-test needs two pairs or more")
    return TTest(found.mean, found.interval, _p(found.mean, found.sd / math.sqrt(found.n), found.n - 1))


def welch_t(first: Sequence[float], second: Sequence[float]) -> TTest:
    """Return Welch's t-test (1947) of first − second at 95 %: the variances need not be the same.

    Raises:
        ValueError: fewer than two values on a side.
    """
    one, other = spread(first), spread(second)
    if one.sd is None or other.sd is None:
        raise ValueError("Welch's test needs two values or more on either side")
    difference = one.mean - other.mean
    parts = (one.sd**2 / one.n, other.sd**2 / other.n)
    variance = sum(parts)
    if variance == 0:
        return TTest(difference, (difference, difference), _p(difference, 0.0, 1))
    # Welch's and Satterthwaite's degrees of freedom.
    df = variance**2 / sum(part**2 / (n - 1) for part, n in zip(parts, (one.n, other.n), strict=True))
    error = math.sqrt(variance)
    half = t_quantile(df) * error
    return TTest(difference, (difference - half, difference + half), _p(difference, error, df))


def clopper_pearson(successes: float, n: int, confidence: float = 0.95) -> Interval:
    """Return the exact interval of Clopper and Pearson (1934) for the share `successes` / `n`.

    `successes` need not be whole: where each of `n` is a cluster, it is the sum of their shares (Korn and
    Graubard 1998).

    Raises:
        ValueError: `n` is below 1, or `successes` not within 0 to `n`.
    """
    if not 0 <= successes <= n or n < 1:
        raise ValueError(f"{successes} successes of {n}: n must be 1 or more, successes 0 to n")
    tail = (1 - confidence) / 2
    low = beta_quantile(successes, n - successes + 1, tail) if successes else 0.0
    high = beta_quantile(successes + 1, n - successes, 1 - tail) if successes < n else 1.0
    return low, high


@dataclass(frozen=True)
class MainEffect:
    """A difference (level − baseline), its interval over `seeds` (None below two), the `pairs` behind it."""

    difference: float
    interval: Interval | None
    seeds: int
    pairs: int


def main_effect(baseline: Mapping[Cell, float], level: Mapping[Cell, float]) -> MainEffect | None:
    """Return what `level` does beside `baseline`, averaged over the rest; None where nothing is paired.

    Both map (rest, seed) to a figure: the rest being the values of all other axes. Cells that both
    have are subtracted, averaged over the rests within a seed, and then over seeds. The interval is
    Student's over the seeds' averages, as seeds are what was drawn at random: the rests are the ones
    that the study chose, and results of one seed (two decoders of one model, say) are no independent
    draws. In a full factorial design this is the main effect of Box, Hunter and Hunter (1978).
    """
    differences: dict[Hashable, list[float]] = {}
    for cell in baseline.keys() & level.keys():
        differences.setdefault(cell[1], []).append(level[cell] - baseline[cell])
    if not differences:
        return None
    found = spread([fmean(values) for values in differences.values()])
    pairs = sum(map(len, differences.values()))
    return MainEffect(found.mean, found.interval, found.n, pairs)


def _p(difference: float, error: float, df: float) -> float:
    if error == 0:
        return 1.0 if difference == 0 else 0.0
    return t_two_sided(difference / error, df)
