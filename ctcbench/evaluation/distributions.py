"""Distribution functions of Student's t, the beta and the binomial distribution, without SciPy."""

from __future__ import annotations

import functools
import math
from statistics import NormalDist

_STEPS = 1_000  # limit for the continued fraction, which needs about √max(a, b) steps
# Stands for a denominator of 0 in Lentz's method; its reciprocal is still finite.
_TINY = 1e-300
_EPSILON = 1e-16


def incomplete_beta(a: float, b: float, x: float) -> float:
    """Return the regularised incomplete beta function I_x(a, b): P(X ≤ `x`) for X beta distributed.

    Evaluates the continued fraction of DLMF 8.17.22 by Lentz's method (1976) as modified by Thompson and
    Barnett (1986). Agrees with SciPy's ``betainc`` to 12 digits.

    Raises:
        ValueError: `a` or `b` is not above 0, or `x` not within 0 to 1.
    """
    if not (a > 0 and b > 0 and 0 <= x <= 1):
        raise ValueError(f"incomplete beta ({a}, {b}) at {x}: a, b must be above 0, x within 0 to 1")
    if x in (0.0, 1.0):
        return x
    if x > (a + 1) / (a + b + 2):  # the fraction converges faster for 1 − x
        return 1 - incomplete_beta(b, a, 1 - x)
    # x^a·(1 − x)^b / (a·B(a, b)), in logarithms: the gamma functions overflow from a + b = 171 on.
    log_front = a * math.log(x) + b * math.log1p(-x) - math.log(a)
    log_front += math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
    return math.exp(log_front) * _continued_fraction(a, b, x)


def _continued_fraction(a: float, b: float, x: float) -> float:
    c, d = 1.0, 1 / _away_from_zero(1 - (a + b) * x / (a + 1))
    value = d
    for m in range(1, _STEPS):
        # The coefficients d of DLMF 8.17.23, those of even and of odd index.
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for term in (even, odd):
            d = 1 / _away_from_zero(1 + term * d)
            c = _away_from_zero(1 + term / c)
            value *= c * d
        # Converged: the last factor changes the value by less than rounding does.
        if abs(c * d - 1) < 4 * _EPSILON:
            break
    return value


def _away_from_zero(value: float) -> float:
    return value if abs(value) > _TINY else _TINY


def beta_quantile(a: float, b: float, share: float) -> float:
    """Return the quantile of the beta distribution: the x with I_x(a, b) = `share`, by bisection."""
    low, high = 0.0, 1.0
    # Bisection needs no derivative and cannot leave 0 to 1. It ends when no float is left between the
    # bounds, or after 200 halvings near 0, where floats are dense.
    for _ in range(200):
        middle = (low + high) / 2
        if middle in (low, high):  # no float lies between the bounds
            break
        low, high = (middle, high) if incomplete_beta(a, b, middle) < share else (low, middle)
    return (low + high) / 2


def t_two_sided(t: float, df: float) -> float:
    """Return P(|T| ≥ |t|) for Student's T with `df` degrees of freedom, which need not be whole."""
    if math.isinf(t):
        return 0.0
    return incomplete_beta(df / 2, 0.5, df / (df + t * t))


@functools.cache
def t_quantile(df: float, confidence: float = 0.95) -> float:
    """Return the t with P(|T| ≤ t) = `confidence`: 12.706, 4.303, 3.182 for 1, 2, 3 degrees at 95 %.

    Raises:
        ValueError: `df` is not above 0, or `confidence` not between 0 and 1.
    """
    if not (df > 0 and 0 < confidence < 1):
        raise ValueError(f"t quantile: df {df} must be above 0, confidence {confidence} between 0 and 1")
    log_scale = math.lgamma((df + 1) / 2) - math.lgamma(df / 2) - math.log(df * math.pi) / 2
    # The tail is convex and the normal quantile lies below t: Newton's method converges from one side.
    t = NormalDist().inv_cdf((1 + confidence) / 2)
    for _ in range(100):
        density = math.exp(log_scale - (df + 1) / 2 * math.log1p(t * t / df))
        step = (t_two_sided(t, df) - (1 - confidence)) / (2 * density)
        t += step
        if abs(step) <= 1e-14 * t:
            break
    return t


def binomial_cdf(successes: int, n: int, share: float) -> float:
    """Return P(X ≤ `successes`) for the binomial (`n`, `share`)."""
    if successes < 0:
        return 0.0
    # P(X ≤ k) = I_{1−p}(n − k, k + 1), DLMF 8.17.5: one evaluation instead of a sum of k + 1 terms.
    return 1.0 if successes >= n else incomplete_beta(n - successes, successes + 1, 1 - share)
