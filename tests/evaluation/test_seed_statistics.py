"""Statistics over seeds, against textbook examples and SciPy."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ctcbench.evaluation.seed_statistics import clopper_pearson, main_effect, paired_t, spread, welch_t

# Student's sleep data (1908): hours of sleep gained with two drugs by the same ten patients; what R 4.3
# says of them with t.test(extra ~ group) and with paired = TRUE.
DRUG_1 = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0]


DRUG_2 = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]


def test_spread_over_seeds():
    # Of the paired differences: R's t.test(…, paired = TRUE).
    found = spread([b - a for a, b in zip(DRUG_1, DRUG_2, strict=True)])
    assert (found.n, found.mean) == (10, pytest.approx(1.58))
    assert found.sd == pytest.approx(1.229995, abs=1e-6)
    assert found.interval == pytest.approx((0.7001142, 2.4598858), abs=1e-7)
    assert spread([0.5]).sd is None and spread([0.5]).interval is None
    assert spread([0.5, 0.5]).interval == (0.5, 0.5)
    with pytest.raises(ValueError, match="at least one"):
        spread([])


def test_t_tests_agree_with_r_on_students_data():
    welch = welch_t(DRUG_1, DRUG_2)
    assert welch.difference == pytest.approx(-1.58)
    assert welch.interval == pytest.approx((-3.3654832, 0.2054832), abs=1e-7)
    assert welch.p == pytest.approx(0.07939, abs=5e-6)
    paired = paired_t(DRUG_1, DRUG_2)
    assert paired.interval == pytest.approx((-2.4598858, -0.7001142), abs=1e-7)
    assert paired.p == pytest.approx(0.002833, abs=5e-7)


def test_t_tests_with_zero_variance_or_too_few_values():
    assert welch_t([0.5, 0.5], [0.5, 0.5]).p == 1.0
    assert welch_t([0.5, 0.5], [0.7, 0.7]).p == 0.0
    assert paired_t([0.5, 0.6], [0.5, 0.6]).p == 1.0
    for test in (paired_t, welch_t):
        with pytest.raises(ValueError, match="two"):
            test([0.5], [0.6])


def test_equal_differences_are_no_proof_if_they_are_of_one_image():
    """For two seeds, each better by one image in 400, the p-value was 0."""
    image = 1 / 400
    one, other = [0.90, 0.93], [0.90 + image, 0.93 + image]
    assert paired_t(one, other).p < 1e-9
    paired = paired_t(one, other, image)
    # t = √(6 n), as the standard deviation of a difference of two rounded values is 1 / (400 √6).
    assert paired.p == pytest.approx(2 / math.pi * math.atan(1 / math.sqrt(12)))
    assert paired.interval[0] < -image < 0 < paired.interval[1]
    assert paired_t(one * 3, other * 3, image).p < 0.01
    assert paired_t(one, one, image).p == 1.0
    assert welch_t([0.0, 0.0, 0.0], [1.0, 1.0, 1.0], image).p < 1e-6
    assert welch_t([0.9, 0.9], [0.9 + image, 0.9 + image], image).p > 0.05
    # Differences that vary by more are not changed.
    assert welch_t(DRUG_1, DRUG_2, image) == welch_t(DRUG_1, DRUG_2)
    assert paired_t(DRUG_1, DRUG_2, image) == paired_t(DRUG_1, DRUG_2)
    cells = [{("a", seed): value for seed, value in enumerate(side)} for side in (one, other)]
    effect, exact = main_effect(*cells, resolution=image), main_effect(*cells)
    assert effect.interval == pytest.approx((-paired.interval[1], -paired.interval[0]))
    assert exact.interval == pytest.approx((image, image))


def test_t_tests_against_scipy():
    stats = pytest.importorskip("scipy.stats")
    generator = np.random.default_rng(1)
    for n, m in ((2, 2), (3, 5), (5, 5), (10, 4)):
        a, b = generator.normal(0.9, 0.01, n).tolist(), generator.normal(0.91, 0.05, m).tolist()
        theirs = stats.ttest_ind(a, b, equal_var=False)
        assert welch_t(a, b).p == pytest.approx(theirs.pvalue, rel=1e-9)
        assert welch_t(a, b).interval == pytest.approx(tuple(theirs.confidence_interval()), rel=1e-9)
        if n == m:
            assert paired_t(a, b).p == pytest.approx(stats.ttest_rel(a, b).pvalue, rel=1e-9)


@pytest.mark.parametrize(
    ("successes", "n", "expected"),
    # SciPy 1.17: binomtest(k, n).proportion_ci(method="exact").
    [
        (0, 5, (0, 0.5218238)),
        (1, 5, (0.005050763, 0.7164179)),
        (5, 5, (0.4781762, 1)),
        (3, 10, (0.0667395, 0.6524529)),
    ],
)
def test_clopper_pearson_interval(successes, n, expected):
    assert clopper_pearson(successes, n) == pytest.approx(expected, abs=1e-6)


def test_clopper_pearson_for_clusters():
    """Two seeds, of one of which half the models collapsed: between none and one of two."""
    low, high = clopper_pearson(0.5, 2)
    assert clopper_pearson(0, 2)[0] < low < clopper_pearson(1, 2)[0]
    assert clopper_pearson(0, 2)[1] < high < clopper_pearson(1, 2)[1]


def test_clopper_pearson_against_scipy():
    stats = pytest.importorskip("scipy.stats")
    for n in (1, 2, 5, 30):
        for k in range(n + 1):
            theirs = stats.binomtest(k, n).proportion_ci(method="exact")
            assert clopper_pearson(k, n) == pytest.approx((theirs.low, theirs.high), abs=1e-9)
    with pytest.raises(ValueError, match="successes"):
        clopper_pearson(6, 5)


def test_main_effects_of_a_textbook_factorial():
    # Montgomery, Design and Analysis of Experiments, 2² design with three replicates (chemical
    # process): reactant concentration has the main effect 8.33, the catalyst −5.00.
    yields = {
        ("-", "-"): (28, 25, 27),
        ("+", "-"): (36, 32, 32),
        ("-", "+"): (18, 19, 23),
        ("+", "+"): (31, 30, 29),
    }

    def cells(axis, level):
        return {
            (key[1 - axis], seed): float(values[seed])
            for key, values in yields.items()
            if key[axis] == level
            for seed in range(3)
        }

    concentration = main_effect(cells(0, "-"), cells(0, "+"))
    catalyst = main_effect(cells(1, "-"), cells(1, "+"))
    assert concentration.difference == pytest.approx(8.3333, abs=1e-4)
    assert catalyst.difference == pytest.approx(-5.0)
    assert (concentration.seeds, concentration.pairs) == (3, 6)
    # Over the replicates' means 10.5, 9, 5.5: 8.3333 ± 4.303 · 2.5658 / √3.
    assert concentration.interval == pytest.approx((1.9595, 14.7072), abs=1e-3)


def test_main_effects_use_complete_pairs_only():
    effect = main_effect({("a", 0): 0.1, ("b", 0): 0.5, ("a", 1): 0.2}, {("a", 0): 0.3, ("c", 1): 0.9})
    assert effect.difference == pytest.approx(0.2)
    assert (effect.seeds, effect.pairs, effect.interval) == (1, 1, None)
    assert main_effect({("a", 0): 0.1}, {("a", 1): 0.1}) is None
