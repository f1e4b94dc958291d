"""Minimum Bayes risk against the expectation computed with the benchmark's own metrics."""

import math

import numpy as np
import pytest

from ctcbench.decoding import Hypothesis, beam_search, minimum_bayes_risk, rescore
from ctcbench.decoding.bayes_risk import least_risks
from ctcbench.decoding.reference import label_log_prob
from ctcbench.decoding.reference_guided import guided_beam_search_reference
from ctcbench.decoding.softmax import log_softmax
from ctcbench.evaluation.metrics import char_accuracy, edit_distance
from tests.decoding.guided_cases import plain_score, random_guided_case

ERRORS = {
    "edit": edit_distance,
    "exact": lambda text, truth: float(text != truth),
    "char": lambda text, truth: 1.0 - char_accuracy(text, truth),
}


def text_of(labels):
    return "".join(chr(96 + label) for label in labels)


def slow_risks(hypotheses, metric):
    """Return the expected error of each hypothesis."""
    peak = max(hypothesis.log_prob for hypothesis in hypotheses)
    weights = [math.exp(hypothesis.log_prob - peak) for hypothesis in hypotheses]
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
            changed[metric] += check_choice(hypotheses, metric) != 0
    return changed


def check_choice(hypotheses, metric):
    """Compare the choice with that of the plain computation, and return its place."""
    choice = minimum_bayes_risk(hypotheses, metric=metric)
    risks = slow_risks(hypotheses, metric)
    assert choice.risk == pytest.approx(min(risks), rel=1e-12, abs=1e-12)
    [place] = [i for i, hypothesis in enumerate(hypotheses) if hypothesis is choice.hypothesis]
    # The first one within 1e-12; the two computations round differently.
    tie = 1e-12 * max(1.0, min(risks))
    assert risks[place] <= min(risks) + 1.01 * tie
    assert all(risk > min(risks) + 0.99 * tie for risk in risks[:place])
    return place


def random_hypotheses(rng):
    """Return hypotheses in any order: alike or not, also twice the same, of equal and of zero probability."""
    base = rng.integers(1, 4, size=rng.integers(0, 9))
    found = []
    for _ in range(rng.integers(1, 40)):
        labels = base.copy() if rng.random() < 0.8 else rng.integers(1, 4, size=rng.integers(0, 12))
        for _ in range(rng.integers(0, 4)):
            place = int(rng.integers(len(labels) + 1))
            cut = int(rng.integers(2))
            labels = np.concatenate([labels[:place], rng.integers(1, 4, size=1 - cut), labels[place + cut :]])
        found.append(Hypothesis(tuple(labels.tolist()), 0.0, ()))
    scores = rng.choice([0.0, -1.0, -2.5, -math.inf], size=len(found), p=[0.3, 0.3, 0.3, 0.1])
    if rng.random() < 0.5:
        scores = rng.normal(size=len(found)) * float(rng.choice([0.1, 3.0, 100.0])) - 300.0
    scores[rng.integers(len(found))] = max(0.0, float(scores.max()))
    return [one._replace(log_prob=float(score)) for one, score in zip(found, scores, strict=True)]


def check_random_lists(seeds):
    moved = 0
    for seed in seeds:
        hypotheses = random_hypotheses(np.random.default_rng(seed))
        for metric in ERRORS:
            moved += check_choice(hypotheses, metric) > 0
    assert moved > len(seeds) / 2


def test_hypotheses_in_any_order():
    check_random_lists(range(150))


@pytest.mark.slow
def test_hypotheses_in_any_order_in_many_cases():
    check_random_lists(range(150, 10_000))


def check_guided_cases(seeds):
    """Compare with the candidates of the plain search, the scores by definition, and the plain choice."""
    tried = 0
    for seed in seeds:
        case = random_guided_case(seed)
        options = {"beam_width": case.beam_width, "n_best": case.beam_width, "blank": case.blank}
        hypotheses = rescore(
            case.log_probs_TK,
            beam_search(case.log_probs_TK, guide=case.guide, threads=1, **options),
            blank=case.blank,
            guide=case.guide,
            threads=1,
        )
        candidates = guided_beam_search_reference(case.log_probs_TK, case.plain, **options)
        scores = {
            one.labels: plain_score(
                one.labels, label_log_prob(case.log_probs_TK, one.labels, case.blank), case.plain
            )
            for one in candidates
        }
        assert {one.labels: pytest.approx(one.log_prob, abs=1e-9) for one in hypotheses} == scores, seed
        assert all(score > -math.inf for score in scores.values()), seed
        if hypotheses:
            tried += 1
            for metric in ERRORS:
                check_choice(hypotheses, metric)
    assert tried > len(seeds) / 3


def test_within_a_guide():
    check_guided_cases(range(60))


@pytest.mark.slow
def test_within_a_guide_in_many_cases():
    check_guided_cases(range(60, 6_000))


def test_sequences_at_once_and_in_threads():
    batch = [random_hypotheses(np.random.default_rng(seed)) for seed in range(50)]
    for metric in ERRORS:
        alone = [minimum_bayes_risk(hypotheses, metric=metric) for hypotheses in batch]
        for threads in (1, 3):
            assert least_risks(batch, metric=metric, threads=threads) == alone
    assert least_risks([], metric="edit", threads=1) == []


def test_many_long_hypotheses():
    # Beyond 64 labels, and classes beyond the tables that the fast comparison has.
    rng = np.random.default_rng(4)
    base = rng.choice([1, 2, 3, 70_000, 1_000_000], size=150)
    hypotheses = []
    for _ in range(40):
        labels = np.delete(base, rng.integers(150, size=rng.integers(1, 90)))
        labels[rng.integers(len(labels), size=20)] = 2
        hypotheses.append(Hypothesis(tuple(labels.tolist()), float(rng.normal()), ()))
    risks = slow_risks(hypotheses, "edit")
    assert minimum_bayes_risk(hypotheses) == (hypotheses[int(np.argmin(risks))], pytest.approx(min(risks)))


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
