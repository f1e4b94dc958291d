"""Quality of confidences, compared with textbook arithmetic."""

import numpy as np
import pytest

from ctcbench.evaluation.reliability import (
    brier_score,
    coverage_at,
    coverage_curve,
    expected_calibration_error,
    reliability_bins,
)

SURE = [0.95, 1.0, 0.91, 0.55, 0.51, 0.05]
RIGHT = [True, True, False, True, False, False]


def test_bins_hold_the_texts_of_their_confidences():
    low, middle, high = reliability_bins(SURE, RIGHT)
    assert (low.low, low.high, low.count, low.accuracy) == (0.0, 0.1, 1, 0.0)
    assert (middle.low, middle.count, middle.accuracy) == (0.5, 2, 0.5)
    assert middle.confidence == pytest.approx(0.53)
    assert (high.low, high.high, high.count) == (0.9, 1.0, 3)
    assert high.accuracy == pytest.approx(2 / 3)
    assert 0 < high.interval[0] < 2 / 3 < high.interval[1] < 1


def test_the_calibration_error_weighs_bins_by_their_texts():
    gaps = (1 * 0.05 + 2 * abs(0.5 - 0.53) + 3 * abs(2 / 3 - (0.95 + 1.0 + 0.91) / 3)) / 6
    assert expected_calibration_error(reliability_bins(SURE, RIGHT)) == pytest.approx(gaps)
    with pytest.raises(ValueError, match="at least one text"):
        expected_calibration_error([])


def test_confidences_that_are_frequencies_have_almost_no_error():
    generator = np.random.default_rng(0)
    sure = generator.random(50_000)
    right = generator.random(50_000) < sure
    assert expected_calibration_error(reliability_bins(sure, right)) < 0.01
    assert expected_calibration_error(reliability_bins(sure**0.25, right)) > 0.2
    # The expectation of (p − y)² is p (1 − p), whose mean over p is 1/6.
    assert brier_score(sure, right) == pytest.approx(1 / 6, abs=0.005)


def test_coverage_accepts_the_most_confident_texts_first():
    curve = coverage_curve([0.9, 0.2, 0.8, 0.8], [True, False, True, False])
    assert [(p.coverage, p.confidence, p.accuracy) for p in curve] == [
        (0.25, 0.9, 1.0),
        (0.75, 0.8, pytest.approx(2 / 3)),  # equal confidences are accepted together
        (1.0, 0.2, 0.5),
    ]
    assert coverage_at(curve, 0.6) == curve[1] and coverage_at(curve, 0.5) == curve[2]
    assert coverage_at(coverage_curve([0.5], [False]), 0.9) is None


def test_each_text_needs_a_confidence():
    with pytest.raises(ValueError, match="1 confidences for 2 texts"):
        coverage_curve([0.5], [True, False])
    with pytest.raises(ValueError, match="at least one"):
        reliability_bins([], [])
