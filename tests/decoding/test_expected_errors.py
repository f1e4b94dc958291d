"""Expected edit distances against rapidfuzz and by hand."""

import math

import numpy as np
import pytest
from rapidfuzz.distance import Levenshtein

from ctcbench.decoding import Hypothesis, _core, expected_edit_distance
from ctcbench.decoding.expected_errors import flat_labels


def test_distances_are_those_of_rapidfuzz():
    rng = np.random.default_rng(0)
    labellings = [rng.integers(1, 4, size=rng.integers(0, 12)).tolist() for _ in range(60)]
    flat = flat_labels("labels", labellings)
    got = _core.edit_distances(flat.labels, flat.offsets, flat.labels, flat.offsets)
    assert got.tolist() == [[Levenshtein.distance(a, b) for b in labellings] for a in labellings]


def test_distances_of_long_labellings_and_of_many_classes():
    # Two ways to compute them: up to 64 labels besides the common beginning and end, and beyond.
    rng = np.random.default_rng(1)
    for classes in ([1, 2, 3, 4], [1, 2, 65_535, 65_536], [5, 2**31 - 2, 1, 2]):
        base = rng.choice(classes, size=90)
        labellings = [
            np.delete(base, rng.integers(90, size=n)).tolist() for n in rng.integers(1, 60, size=20)
        ]
        labellings += [rng.choice(classes, size=n).tolist() for n in (62, 63, 64, 65, 66, 128, 129)]
        flat = flat_labels("labels", labellings)
        got = _core.edit_distances(flat.labels, flat.offsets, flat.labels, flat.offsets)
        assert got.tolist() == [[Levenshtein.distance(a, b) for b in labellings] for a in labellings]


def test_the_expectation_by_hand():
    hypotheses = [
        Hypothesis((1, 2, 3), math.log(0.3), ()),
        Hypothesis((1, 3), math.log(0.1), ()),
        Hypothesis((), math.log(0.2), ()),
    ]
    assert expected_edit_distance((1, 2, 3), hypotheses) == pytest.approx((0 * 3 + 1 * 1 + 3 * 2) / 6)
    assert expected_edit_distance((), hypotheses) == pytest.approx((3 * 3 + 2 * 1 + 0 * 2) / 6)
    assert expected_edit_distance((7,), hypotheses[1:2]) == 2.0


def test_very_small_probabilities_have_shares_too():
    hypotheses = [Hypothesis((1,), -5000.0, ()), Hypothesis((2,), -5000.0 + math.log(3), ())]
    assert expected_edit_distance((1,), hypotheses) == pytest.approx(0.75)


def test_bad_arguments_are_named():
    with pytest.raises(ValueError, match="hypotheses is empty"):
        expected_edit_distance((1,), [])
    with pytest.raises(ValueError, match="probability above 0"):
        expected_edit_distance((1,), [Hypothesis((1,), -math.inf, ())])
    one = Hypothesis((1,), -1.0, ())
    for hypotheses in ([[one]], [(1, 2)], None, iter([one]), [Hypothesis((1,), None, ())]):
        with pytest.raises(
            TypeError, match="must be the list of hypotheses of one sequence, as rescore returns"
        ):
            expected_edit_distance((1,), hypotheses)
    for log_prob in (math.nan, math.inf):
        with pytest.raises(ValueError, match=rf"hypotheses\[1\].log_prob is {log_prob}; it must be finite"):
            expected_edit_distance((1,), [one, Hypothesis((2,), log_prob, ())])
    with pytest.raises(TypeError, match="encode the text first"):
        expected_edit_distance("ab", [Hypothesis((1,), -1.0, ())])
