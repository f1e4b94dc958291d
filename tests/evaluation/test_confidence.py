"""Confidences of decoded texts."""

import math

import numpy as np
import pytest

from ctcbench import Alphabet
from ctcbench.contract.data import LogProbs
from ctcbench.decoding.hypothesis import Hypothesis
from ctcbench.evaluation.confidence import confidences

# Two frames of the classes blank, a, b.
PROBS_NTK = np.array([[[0.1, 0.6, 0.3], [0.5, 0.3, 0.2]]])
LOG_PROBS = LogProbs(np.log(PROBS_NTK).astype(np.float32), np.array([2]), ("a",), Alphabet("ab"))


def test_with_ctc_all_alignments_of_a_text_count():
    # "a" is a-, -a and aa; the decoder kept only the first.
    best = [Hypothesis((1,), math.log(0.3), (0,))]
    assert confidences(LOG_PROBS, best, "ctc") == pytest.approx([0.6 * 0.5 + 0.1 * 0.3 + 0.6 * 0.3])
    assert confidences(LOG_PROBS, best, "ctc", 3.0)[0] > 0.6, "sharper"


def test_where_the_options_of_the_decoder_permit_no_text_it_is_zero():
    # The empty text that stands for none has 5 %.
    found = [Hypothesis((), -math.inf, ()), Hypothesis((), math.log(0.05), ())]
    twice = LogProbs(np.repeat(LOG_PROBS.values_NTK, 2, 0), np.full(2, 2), ("a", "a"), LOG_PROBS.alphabet)
    assert confidences(twice, found, "ctc") == [0.0, pytest.approx(0.05)]


def test_many_images_are_read_in_parts():
    values_NTK = np.tile(LOG_PROBS.values_NTK, (1100, 1, 1))
    many = LogProbs(values_NTK, np.full(1100, 2), ("a",) * 1100, LOG_PROBS.alphabet)
    best = [Hypothesis((1 + place % 2,), 0.0, (0,)) for place in range(1100)]
    found = confidences(many, best, "ctc")
    assert len(found) == 1100
    assert found[::2] == pytest.approx([0.51] * 550) and found[1::2] == pytest.approx([0.23] * 550)


@pytest.mark.parametrize(("score", "confidence"), [(math.log(0.25), 0.25), (0.5, 1.0), (math.nan, None)])
def test_without_ctc_it_is_the_score_of_the_decoder(score, confidence):
    assert confidences(LOG_PROBS, [Hypothesis((1,), score, (0,))], "fixed") == [
        confidence if confidence is None else pytest.approx(confidence)
    ]
