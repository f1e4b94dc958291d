"""Signs of a collapse: empty or identical outputs, and the mean probability of the blank."""

import dataclasses

import numpy as np
import pytest

from ctcbench.contract.data import LogProbs
from ctcbench.contract.specs import Alphabet
from ctcbench.evaluation.collapse import best_paths_collapsed, blank_probability, has_collapsed
from ctcbench.evaluation.scoring import score


def test_collapse():
    assert has_collapsed([""] * 100, ["ab"] * 100)
    assert has_collapsed([""] * 99 + ["x"], ["ab"] * 100)
    assert not has_collapsed([""] * 98 + ["x", "y"], ["ab"] * 100)
    assert has_collapsed(["e", "e", "e"], ["ab", "cd", "ef"])
    assert not has_collapsed(["e", "e"], ["e", "e"])  # all targets are the same: no sign of anything
    assert not has_collapsed(["e"], ["ab"])
    assert score(["", ""], ["ab", "cd"], "test").collapsed is True


def test_blank_probability_counts_frames_within_the_length_only():
    probs = np.array([[[0.9, 0.1], [0.3, 0.7], [1.0, 0.0]], [[0.6, 0.4], [0.0, 1.0], [0.0, 1.0]]])
    with np.errstate(divide="ignore"):
        values = np.log(probs).astype(np.float32)
    log_probs = LogProbs(values, np.array([2, 1]), ("a", "a"), Alphabet("a"))
    assert blank_probability(log_probs) == pytest.approx((0.9 + 0.3 + 0.6) / 3)
    none = dataclasses.replace(log_probs, lengths_N=np.array([0, 0]))
    assert blank_probability(none) == 0.0


@pytest.mark.parametrize(
    ("paths", "texts", "expected"),
    [
        ([[0, 0, 0], [0, 0, 0]], ("ab", "b"), True),
        ([[1, 0, 2], [0, 2, 2]], ("ab", "b"), False),
        ([[1, 0, 2], [1, 2, 2]], ("ab", "b"), True),
    ],
)
def test_the_best_paths_show_a_collapse(paths, texts, expected):
    values_NTK = np.log(np.eye(3, dtype=np.float32)[np.array(paths)] * 0.9 + 0.03)
    log_probs = LogProbs(values_NTK, np.full(len(paths), 3), texts, Alphabet("ab"))
    assert best_paths_collapsed(log_probs, "ctc") is expected
    # Without merging, "abb" and "ab" are different texts.
    assert best_paths_collapsed(log_probs, "fixed") is (paths[0] == paths[1])
