"""Confidence intervals over images, against published values and simulations."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ctcbench.evaluation.confidence_intervals import bootstrap_mean, bootstrap_ratio, wilson


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [
        # Newcombe (1998), Statistics in Medicine 17, table I, method 3 (score, no continuity correction).
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_agrees_with_newcombes_method_3(successes, n, low, high):
    assert wilson(successes, n) == pytest.approx((low, high), abs=5e-5)


@given(st.integers(1, 10_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilsons_bounds_solve_the_score_equation(pair):
    successes, n = pair
    share = successes / n
    low, high = wilson(successes, n)
    assert 0 <= low <= share <= high <= 1
    for end in (low, high):
        # Wilson's definition: the ends are where |share − end| is z standard errors of the end itself.
        assert abs(share - end) == pytest.approx(
            1.959963984540054 * math.sqrt(end * (1 - end) / n), rel=1e-6, abs=1e-9
        )


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_is_symmetric_and_wider_at_higher_confidence(pair):
    successes, n = pair
    low, high = wilson(successes, n)
    mirrored = wilson(n - successes, n)
    assert (1 - high, 1 - low) == pytest.approx(mirrored, abs=1e-12)
    wide = wilson(successes, n, confidence=0.99)
    assert wide[0] <= low <= high <= wide[1]


@pytest.mark.parametrize("arguments", [(1, 0), (0, 0), (-1, 5), (6, 5), (1, 5, 0.0), (1, 5, 1.0)])
def test_wilson_rejects_invalid_shares(arguments):
    with pytest.raises(ValueError):
        wilson(*arguments)


def test_bootstrap_of_a_normal_sample_is_near_the_closed_form():
    values = np.random.default_rng(1).normal(3.0, 2.0, size=2_000)
    error = values.std() / math.sqrt(len(values))
    low, high = bootstrap_mean(values)
    assert low == pytest.approx(values.mean() - 1.96 * error, abs=0.15 * error)
    assert high == pytest.approx(values.mean() + 1.96 * error, abs=0.15 * error)


def test_bootstrap_agrees_with_drawing_rows():
    generator = np.random.default_rng(2)
    edits, lengths = generator.integers(0, 4, 300), generator.integers(3, 9, 300)
    drawn = np.random.default_rng(3).integers(0, 300, size=(8_000, 300))
    ratios = edits[drawn].sum(axis=1) / lengths[drawn].sum(axis=1)
    means = edits[drawn].mean(axis=1)
    assert bootstrap_ratio(edits, lengths, resamples=8_000) == pytest.approx(
        np.quantile(ratios, [0.025, 0.975]), abs=0.06 * ratios.std() * 2
    )
    assert bootstrap_mean(edits, resamples=8_000) == pytest.approx(
        np.quantile(means, [0.025, 0.975]), abs=0.06 * means.std() * 2
    )


def test_bootstrap_coverage_is_close_to_nominal():
    generator = np.random.default_rng(4)
    hits = 0
    for seed in range(300):
        low, high = bootstrap_mean(generator.poisson(0.8, size=200), resamples=500, seed=seed)
        hits += low <= 0.8 <= high
    assert 0.90 <= hits / 300 <= 0.98  # 95 % ± 4 standard errors, less the bootstrap's known optimism


def test_bootstrap_is_reproducible_for_a_seed():
    values = np.random.default_rng(5).random(500)
    assert bootstrap_mean(values, seed=7) == bootstrap_mean(values, seed=7)
    assert bootstrap_mean(values, seed=7) != bootstrap_mean(values, seed=8)


def test_bootstrap_of_equal_values_has_no_width():
    assert bootstrap_mean([2.5] * 40) == pytest.approx((2.5, 2.5))
    assert bootstrap_mean([1.0]) == (1.0, 1.0)
    assert bootstrap_ratio([1, 2, 3], [2, 4, 6]) == pytest.approx((0.5, 0.5))


def test_ratio_leaves_out_resamples_without_a_ratio():
    low, high = bootstrap_ratio([0, 1], [0, 4])
    assert (low, high) == (0.25, 0.25)


@pytest.mark.parametrize("values", [[], [math.nan], [math.inf, 1.0], [[1.0]]])
def test_bootstrap_mean_rejects_invalid_values(values):
    with pytest.raises(ValueError):
        bootstrap_mean(values)


@pytest.mark.parametrize("pairs", [([1], [0]), ([1, 2], [1]), ([1], [-1]), ([], [])])
def test_bootstrap_ratio_rejects_invalid_pairs(pairs):
    with pytest.raises(ValueError):
        bootstrap_ratio(*pairs)
