"""Minimum Bayes risk against the expectation computed with the benchmark's own metrics."""

import math

import numpy as np
import pytest

from ctcbench.decoding import Hypothesis, beam_search, minimum_bayes_risk, rescore
from ctcbench.decoding.softmax import log_softmax
from ctcbench.evaluation.metrics import char_accuracy, edit_distance

ERRORS = {
    "edit": edit_distance,
    "exact": lambda text, truth: float(text != truth),
    "char": lambda text, truth: 1.0 - char_accuracy(text, truth),
}


def text_of(labels):
    return "".join(chr(96 + label) for label in labels)


def slow_risks(hypotheses, metric):
    """Return the expected error of each hypothesis."""
    weights = [math.exp(hypothesis.log_prob - hypotheses[0].log_prob) for hypothesis in hypotheses]
    texts = [text_of(hypothesis.labels) for hypothesis in hypotheses]
    return [
        sum(w * ERRORS[metric](text, truth) for w, truth in zip(weights, texts, strict=True)) / sum(weights)
        for text in texts
    ]


def check_random_cases(seeds):
    changed = dict.fromkeys(ERRORS, 0)
    for seed in seeds:
        rng = np.random.default_rng(seed)
        log_probs_TK = log_softmax(rng.normal(size=(7, 5)))
        hypotheses = rescore(
            log_probs_TK, beam_search(log_probs_TK, beam_width=12, n_best=12, threads=1), threads=1
        )
        for metric in ERRORS:
            choice = minimum_bayes_risk(hypotheses, metric=metric)
            risks = slow_risks(hypotheses, metric)
            assert choice.risk == pytest.approx(min(risks), rel=1e-12, abs=1e-12)
            first = next(i for i, risk in enumerate(risks) if risk <= min(risks) + 1e-11)
            assert choice.hypothesis is hypotheses[first]
            changed[metric] += first != 0
    return changed


def test_the_choice_has_the_least_expected_error():
    changed = check_random_cases(range(25))
    assert changed["exact"] == 0  # the most probable one, of which every other text differs
    assert changed["edit"] > 0
    assert changed["char"] > 0


@pytest.mark.slow
def test_the_choice_has_the_least_expected_error_in_many_cases():
    check_random_cases(range(25, 5_000))


def test_a_case_by_hand():
    # Two of three agree on every character of the third, which is the most probable one for no one.
    hypotheses = [
        Hypothesis((1, 2, 4), math.log(0.4), ()),
        Hypothesis((3, 2, 5), math.log(0.35), ()),
        Hypothesis((1, 2, 5), math.log(0.25), ()),
    ]
    assert minimum_bayes_risk(hypotheses, metric="exact") == (hypotheses[0], pytest.approx(0.6))
    assert minimum_bayes_risk(hypotheses) == (hypotheses[2], pytest.approx(0.75))
    assert minimum_bayes_risk(hypotheses, metric="char") == (hypotheses[2], pytest.approx(0.25))


def test_the_empty_text():
    hypotheses = [Hypothesis((), math.log(0.6), ()), Hypothesis((1,), math.log(0.4), ())]
    assert minimum_bayes_risk(hypotheses, metric="char") == (hypotheses[0], pytest.approx(0.4))
    assert minimum_bayes_risk(hypotheses[::-1], metric="char").hypothesis.labels == ()


def test_bad_arguments_are_named():
    with pytest.raises(ValueError, match="metric is 'cer'; it must be one of edit, exact, char"):
        minimum_bayes_risk([Hypothesis((1,), -1.0, ())], metric="cer")
    with pytest.raises(ValueError, match="hypotheses is empty"):
        minimum_bayes_risk([])
