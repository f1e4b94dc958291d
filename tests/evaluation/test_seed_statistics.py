"""Statistics of a study, against textbook examples and, where they are installed, SciPy and statsmodels."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ctcbench.evaluation.distributions import (
    beta_quantile,
    binomial_cdf,
    incomplete_beta,
    t_quantile,
    t_two_sided,
)
from ctcbench.evaluation.paired_tests import bootstrap_test, holm, mcnemar, resampled_ratios
from ctcbench.evaluation.seed_statistics import clopper_pearson, main_effect, paired_t, spread, welch_t

# Student's sleep data (1908): hours of sleep gained with two drugs by the same ten patients; what R 4.3
# says of them with t.test(extra ~ group) and with paired = TRUE.
DRUG_1 = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0]
DRUG_2 = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]


@pytest.mark.parametrize(
    ("df", "expected"),
    [(1, 12.706), (2, 4.303), (3, 3.182), (4, 2.776), (9, 2.262), (30, 2.042), (1e6, 1.960)],
)
def test_t_quantiles_are_those_of_the_printed_table(df, expected):
    assert t_quantile(df) == pytest.approx(expected, abs=6e-4)
    assert t_two_sided(t_quantile(df), df) == pytest.approx(0.05, abs=1e-9)


def test_t_quantile_at_99_percent():
    assert t_quantile(4, 0.99) == pytest.approx(4.604, abs=5e-4)


@pytest.mark.parametrize("bad", [(0, 0.95), (3, 0), (3, 1)])
def test_no_quantile_of_nonsense(bad):
    with pytest.raises(ValueError, match="t quantile"):
        t_quantile(*bad)


def test_incomplete_beta_of_closed_forms():
    assert incomplete_beta(1, 1, 0.3) == pytest.approx(0.3, rel=1e-14)
    assert incomplete_beta(2, 1, 0.3) == pytest.approx(0.09, rel=1e-14)
    assert incomplete_beta(1, 5, 0.2) == pytest.approx(1 - 0.8**5, rel=1e-14)
    assert [incomplete_beta(3, 4, x) for x in (0.0, 1.0)] == [0.0, 1.0]
    with pytest.raises(ValueError, match="incomplete beta"):
        incomplete_beta(0, 1, 0.5)


def test_binomial_tails_by_adding_up():
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


def test_t_tests_are_those_that_r_makes_of_students_data():
    welch = welch_t(DRUG_1, DRUG_2)
    assert welch.difference == pytest.approx(-1.58)
    assert welch.interval == pytest.approx((-3.3654832, 0.2054832), abs=1e-7)
    assert welch.p == pytest.approx(0.07939, abs=5e-6)
    paired = paired_t(DRUG_1, DRUG_2)
    assert paired.interval == pytest.approx((-2.4598858, -0.7001142), abs=1e-7)
    assert paired.p == pytest.approx(0.002833, abs=5e-7)


def test_t_tests_without_spread_or_with_too_little():
    assert welch_t([0.5, 0.5], [0.5, 0.5]).p == 1.0
    assert welch_t([0.5, 0.5], [0.7, 0.7]).p == 0.0
    assert paired_t([0.5, 0.6], [0.5, 0.6]).p == 1.0
    for test in (paired_t, welch_t):
        with pytest.raises(ValueError, match="two"):
            test([0.5], [0.6])


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
def test_collapse_rate_has_an_exact_interval(successes, n, expected):
    assert clopper_pearson(successes, n) == pytest.approx(expected, abs=1e-6)


def test_a_rate_of_clusters_need_not_be_whole():
    """Two seeds, of one of which half the models collapsed: between none and one of two."""
    low, high = clopper_pearson(0.5, 2)
    assert clopper_pearson(0, 2)[0] < low < clopper_pearson(1, 2)[0]
    assert clopper_pearson(0, 2)[1] < high < clopper_pearson(1, 2)[1]


def test_collapse_rate_against_scipy():
    stats = pytest.importorskip("scipy.stats")
    for n in (1, 2, 5, 30):
        for k in range(n + 1):
            theirs = stats.binomtest(k, n).proportion_ci(method="exact")
            assert clopper_pearson(k, n) == pytest.approx((theirs.low, theirs.high), abs=1e-9)
    with pytest.raises(ValueError, match="successes"):
        clopper_pearson(6, 5)


def test_mcnemar_by_hand_and_by_textbook():
    assert mcnemar(0, 0) == 1.0
    assert mcnemar(3, 3) == 1.0
    assert mcnemar(0, 5) == pytest.approx(2 / 32)
    assert mcnemar(1, 8) == mcnemar(8, 1) == pytest.approx(2 * (1 + 9) / 512)
    # Agresti, Categorical Data Analysis (2002), table 10.1: approval ratings, 150 and 86 that changed.
    # The value is SciPy's 2 · binom.cdf(86, 236, 0.5).
    assert mcnemar(150, 86) == pytest.approx(3.715936e-5, rel=1e-6)
    with pytest.raises(ValueError, match="counts"):
        mcnemar(-1, 2)


def test_mcnemar_against_statsmodels():
    tables = pytest.importorskip("statsmodels.stats.contingency_tables")
    for b, c in ((0, 1), (4, 11), (150, 86), (700, 640), (2000, 1900)):
        theirs = tables.mcnemar([[10, b], [c, 10]], exact=True).pvalue
        assert mcnemar(b, c) == pytest.approx(theirs, rel=1e-9)


def test_holm_by_hand():
    # Holm (1979) by hand: 4 · 0.01, 3 · 0.02 … in order, never falling.
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([]) == [] and holm([0.9, 0.8]) == [1.0, 1.0]
    with pytest.raises(ValueError, match="0 to 1"):
        holm([1.1])


def test_holm_against_statsmodels():
    multitest = pytest.importorskip("statsmodels.stats.multitest")
    p_values = np.random.default_rng(0).beta(0.4, 2, 60).tolist()
    assert holm(p_values) == pytest.approx(
        multitest.multipletests(p_values, method="holm")[1].tolist(), rel=1e-12
    )


def test_the_paired_bootstrap_has_the_standard_error_of_theory():
    generator = np.random.default_rng(3)
    base_N = generator.poisson(0.6, 2000).astype(float)
    edits_CN = np.vstack([base_N, np.maximum(0, base_N - (generator.random(2000) < 0.05))])
    lengths_N = np.full(2000, 5.0)
    ratios_RC = resampled_ratios(edits_CN, lengths_N, resamples=4000)
    assert ratios_RC.shape == (4000, 2)
    differences_N = (edits_CN[0] - edits_CN[1]) / 5
    # Texts of one length: a mean of paired differences, whose standard error is sd/√n.
    error = differences_N.std() / math.sqrt(2000)
    assert (ratios_RC[:, 0] - ratios_RC[:, 1]).std() == pytest.approx(error, rel=0.05)
    found = bootstrap_test(
        differences_N.mean(), ratios_RC[:, 0] - ratios_RC[:, 1], np.count_nonzero(differences_N)
    )
    assert found.interval == pytest.approx(
        (differences_N.mean() - 1.96 * error, differences_N.mean() + 1.96 * error), abs=0.2 * error
    )
    assert 0 < found.p < 1e-4  # far beyond 1 / resamples: the normal's tail
    same = bootstrap_test(0.0, ratios_RC[:, 0] - ratios_RC[:, 0], 0)
    assert (same.p, same.interval) == (1.0, (0.0, 0.0))


def test_the_paired_bootstrap_against_scipy():
    stats = pytest.importorskip("scipy.stats")
    generator = np.random.default_rng(4)
    lengths_N = generator.integers(3, 9, 400).astype(float)
    edits_CN = generator.poisson([[0.5], [0.62]], (2, 400)).astype(float)
    ratios_RC = resampled_ratios(edits_CN, lengths_N)
    differences_R = ratios_RC[:, 0] - ratios_RC[:, 1]

    def difference(a, b, lengths, axis=-1):
        return a.sum(axis) / lengths.sum(axis) - b.sum(axis) / lengths.sum(axis)

    theirs = stats.bootstrap(
        (*edits_CN, lengths_N), difference, paired=True, method="percentile", n_resamples=9999, rng=0
    )
    found = bootstrap_test(difference(*edits_CN, lengths_N), differences_R, 400)
    width = found.interval[1] - found.interval[0]
    assert found.interval == pytest.approx(tuple(theirs.confidence_interval), abs=0.05 * width)
    # Interval and p-value agree on where 0 is.
    assert (found.p < 0.05) == (found.interval[0] > 0 or found.interval[1] < 0)


def test_the_paired_bootstrap_keeps_its_level():
    """Under no difference, p < 5 % happens about 5 % of the time."""
    generator = np.random.default_rng(5)
    hits = 0
    for _ in range(200):
        edits_CN = generator.poisson(0.5, (2, 300)).astype(float)
        ratios_RC = resampled_ratios(edits_CN, np.full(300, 5.0), resamples=400)
        hits += bootstrap_test(0.0, ratios_RC[:, 0] - ratios_RC[:, 1], 300).p < 0.05
    assert 2 <= hits <= 22


def test_few_images_show_no_more_than_a_sign_test_could():
    """Five images of 5, all worse by about as much: the draws hardly spread, and know no others."""
    edits_CN = np.array([[1.0, 1, 1, 1, 2], [0, 0, 0, 0, 0]])
    ratios_RC = resampled_ratios(edits_CN, np.full(5, 5.0))
    found = bootstrap_test(6 / 25, ratios_RC[:, 0] - ratios_RC[:, 1], 5)
    assert found.p == mcnemar(0, 5) == pytest.approx(0.0625)
    # Images on which the two are alike say nothing of which is better.
    many_CN = np.hstack([edits_CN, np.ones((2, 400))])
    ratios_RC = resampled_ratios(many_CN, np.full(405, 5.0))
    assert bootstrap_test(6 / 2025, ratios_RC[:, 0] - ratios_RC[:, 1], 5).p >= 0.0625


@pytest.mark.parametrize(
    ("edits_CN", "lengths_N", "said"),
    [
        (np.ones((1, 3)), np.ones(2), "shape"),
        (np.ones((1, 2)), np.zeros(2), "all 0"),
        (np.ones((1, 0)), np.ones(0), "shape"),
    ],
)
def test_the_paired_bootstrap_refuses_what_does_not_fit(edits_CN, lengths_N, said):
    with pytest.raises(ValueError, match=said):
        resampled_ratios(edits_CN, lengths_N)


def test_main_effects_of_a_textbooks_factorial():
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


def test_main_effects_pair_what_is_there():
    effect = main_effect({("a", 0): 0.1, ("b", 0): 0.5, ("a", 1): 0.2}, {("a", 0): 0.3, ("c", 1): 0.9})
    assert effect.difference == pytest.approx(0.2)
    assert (effect.seeds, effect.pairs, effect.interval) == (1, 1, None)
    assert main_effect({("a", 0): 0.1}, {("a", 1): 0.1}) is None
