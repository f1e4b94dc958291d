"""Distribution functions, against printed tables and SciPy."""

from __future__ import annotations

import math

import pytest

from ctcbench.evaluation.distributions import (
    beta_quantile,
    binomial_cdf,
    incomplete_beta,
    t_quantile,
    t_two_sided,
)


@pytest.mark.parametrize(
    ("df", "expected"),
    [(1, 12.706), (2, 4.303), (3, 3.182), (4, 2.776), (9, 2.262), (30, 2.042), (1e6, 1.960)],
)
def test_t_quantiles_agree_with_the_printed_table(df, expected):
    assert t_quantile(df) == pytest.approx(expected, abs=6e-4)
    assert t_two_sided(t_quantile(df), df) == pytest.approx(0.05, abs=1e-9)


def test_t_quantile_at_99_percent():
    assert t_quantile(4, 0.99) == pytest.approx(4.604, abs=5e-4)


@pytest.mark.parametrize("bad", [(0, 0.95), (3, 0), (3, 1)])
def test_invalid_arguments_of_the_t_quantile(bad):
    with pytest.raises(ValueError, match="t quantile"):
        t_quantile(*bad)


def test_incomplete_beta_of_closed_forms():
    assert incomplete_beta(1, 1, 0.3) == pytest.approx(0.3, rel=1e-14)
    assert incomplete_beta(2, 1, 0.3) == pytest.approx(0.09, rel=1e-14)
    assert incomplete_beta(1, 5, 0.2) == pytest.approx(1 - 0.8**5, rel=1e-14)
    assert [incomplete_beta(3, 4, x) for x in (0.0, 1.0)] == [0.0, 1.0]
    with pytest.raises(ValueError, match="incomplete beta"):
        incomplete_beta(0, 1, 0.5)


def test_binomial_tails_agree_with_sums():
    for n, k in ((1, 0), (5, 2), (40, 13), (200, 90)):
        expected = sum(math.comb(n, i) for i in range(k + 1)) / 2**n
        assert binomial_cdf(k, n, 0.5) == pytest.approx(expected, rel=1e-12)
    assert binomial_cdf(-1, 3, 0.5) == 0 and binomial_cdf(3, 3, 0.5) == 1


def test_distributions_against_scipy():
    special = pytest.importorskip("scipy.special")
    stats = pytest.importorskip("scipy.stats")
    for a in (0.5, 1, 2.5, 40, 3000):
        for b in (0.5, 1, 7, 2500):
            for x in (1e-6, 0.01, 0.3, 0.5, 0.97, 1 - 1e-6):
                assert incomplete_beta(a, b, x) == pytest.approx(
                    special.betainc(a, b, x), rel=1e-9, abs=1e-290
                )
            assert beta_quantile(a, b, 0.025) == pytest.approx(special.betaincinv(a, b, 0.025), rel=1e-9)
    for df in (1, 1.7, 2, 5.3, 17.776, 400):
        for confidence in (0.5, 0.9, 0.95, 0.999):
            assert t_quantile(df, confidence) == pytest.approx(
                stats.t.ppf((1 + confidence) / 2, df), rel=1e-9
            )
        for t in (-30, -2.1, 0.0, 0.3, 5):
            assert t_two_sided(t, df) == pytest.approx(2 * stats.t.sf(abs(t), df), rel=1e-9)
