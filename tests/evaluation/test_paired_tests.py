"""McNemar's test, Holm's correction and the paired bootstrap, against textbooks, SciPy and statsmodels."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ctcbench.evaluation.paired_tests import bootstrap_test, holm, mcnemar, resampled_ratios


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


def test_the_paired_bootstrap_has_its_nominal_level():
    """Under no difference, p < 5 % happens about 5 % of the time."""
    generator = np.random.default_rng(5)
    hits = 0
    for _ in range(200):
        edits_CN = generator.poisson(0.5, (2, 300)).astype(float)
        ratios_RC = resampled_ratios(edits_CN, np.full(300, 5.0), resamples=400)
        hits += bootstrap_test(0.0, ratios_RC[:, 0] - ratios_RC[:, 1], 300).p < 0.05
    assert 2 <= hits <= 22


def test_p_values_of_few_images_are_bounded_by_the_sign_test():
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
def test_the_paired_bootstrap_rejects_inconsistent_shapes(edits_CN, lengths_N, said):
    with pytest.raises(ValueError, match=said):
        resampled_ratios(edits_CN, lengths_N)
