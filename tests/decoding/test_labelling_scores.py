"""Exact scores against the enumeration of all alignments, the forward recursion in decimals and torch."""

import math

import numpy as np
import pytest
import torch

from ctcbench.decoding import Hotwords, Hypothesis, beam_search, greedy_search, rescore, score_labellings
from ctcbench.decoding.labelling_scores import ScoredHypothesis, in_rank_order
from ctcbench.decoding.reference import all_labellings, label_log_prob
from ctcbench.decoding.softmax import log_softmax
from tests.decoding.decoding_cases import KINDS, log_probs_of, random_case
from tests.decoding.guided_cases import plain_score, random_guided_case

SMALL = [(0, 3), (1, 2), (4, 2), (4, 3), (5, 3)]


def close(a, b):
    return a == b or abs(a - b) <= 1e-12 * max(1.0, abs(b))


def check_random_labellings(seeds):
    for seed in seeds:
        case = random_case(seed)
        rng = np.random.default_rng(seed)
        classes = [k for k in range(case.log_probs_TK.shape[1]) if k != case.blank]
        labellings = [
            tuple(rng.choice(classes, size=rng.integers(0, 6)).tolist()) if classes else () for _ in range(4)
        ]
        got = score_labellings(case.log_probs_TK, labellings, blank=case.blank, threads=1)
        expected = [label_log_prob(case.log_probs_TK, labels, case.blank) for labels in labellings]
        for ours, theirs in zip(got, expected, strict=True):
            assert close(ours, theirs), (seed, case.kind)


@pytest.mark.parametrize("kind", KINDS)
def test_scores_equal_the_sums_over_all_alignments(kind):
    rng = np.random.default_rng(KINDS.index(kind))
    for num_frames, num_classes in SMALL:
        log_probs_TK = log_probs_of(kind, rng, num_frames, num_classes)
        blank = int(rng.integers(num_classes))
        exact = all_labellings(log_probs_TK, blank)
        scores = score_labellings(log_probs_TK, list(exact), blank=blank, threads=1)
        assert all(close(a, b) for a, b in zip(scores, exact.values(), strict=True))


def test_scores_equal_the_forward_recursion_in_decimals():
    check_random_labellings(range(150))


@pytest.mark.slow
def test_scores_equal_the_forward_recursion_in_ten_thousand_cases():
    check_random_labellings(range(10_000))


def test_scores_equal_those_of_torch():
    rng = np.random.default_rng(3)
    log_probs_NTK = log_softmax(rng.normal(size=(6, 12, 5)) * 2)
    lengths_N = np.array([12, 12, 9, 7, 12, 10])
    labels = [rng.integers(1, 5, size=n) for n in (4, 1, 5, 3, 6, 0)]
    got = score_labellings(log_probs_NTK, [[one] for one in labels], lengths_N, threads=2)
    losses = torch.nn.functional.ctc_loss(
        torch.from_numpy(log_probs_NTK).transpose(0, 1),
        torch.from_numpy(np.concatenate(labels)),
        torch.from_numpy(lengths_N),
        torch.tensor([len(one) for one in labels]),
        reduction="none",
    )
    np.testing.assert_allclose([scores[0] for scores in got], -losses.numpy(), rtol=1e-12)


def check_random_guides(seeds):
    permitted = 0
    for seed in seeds:
        case = random_guided_case(seed)
        rng = np.random.default_rng(seed)
        symbols = [k for k in range(case.log_probs_TK.shape[1]) if k != case.blank]
        found = beam_search(case.log_probs_TK, beam_width=4, n_best=4, blank=case.blank, guide=case.guide)
        labellings = [one.labels for one in found]
        labellings += [
            tuple(rng.choice(symbols, size=n).tolist()) for n in rng.integers(0, 4, size=9) if symbols
        ]
        got = score_labellings(case.log_probs_TK, labellings, blank=case.blank, guide=case.guide, threads=1)
        for labels, ours in zip(labellings, got, strict=True):
            log_prob = label_log_prob(case.log_probs_TK, labels, case.blank)
            assert close(ours, plain_score(labels, log_prob, case.plain)), (seed, labels)
            permitted += ours > -math.inf
    assert permitted > len(seeds)


def test_the_weights_of_a_guide_are_added():
    check_random_guides(range(150))


@pytest.mark.slow
def test_the_weights_of_a_guide_are_added_in_many_cases():
    check_random_guides(range(150, 5_000))


def test_hypotheses_are_rescored_with_the_weights_of_the_guide():
    rows = log_softmax(np.random.default_rng(2).normal(size=(4, 3)))
    hotwords = Hotwords(["ab"], [None, "a", "b"], boost=9.0)
    found = rescore(rows, beam_search(rows, beam_width=50, n_best=50, guide=hotwords), guide=[hotwords])
    exact = all_labellings(rows)
    assert found[0].labels[:2] == (1, 2)
    for one in found:
        boost = 9.0 * "".join("?ab"[label] for label in one.labels).count("ab")
        assert one.log_prob == pytest.approx(exact[one.labels] + boost)
        assert one.posterior == pytest.approx(math.exp(exact[one.labels]))
    assert math.fsum(one.share for one in found) == pytest.approx(1.0)
    assert [one.log_prob for one in found] == sorted((one.log_prob for one in found), reverse=True)
    assert rescore(rows, [], guide=hotwords) == []


def test_a_guide_for_other_classes_is_refused():
    with pytest.raises(ValueError, match="guide is for 3 classes, but log_probs has 4"):
        score_labellings(np.zeros((2, 4)), [(1,)], guide=Hotwords(["ab"], [None, "a", "b"]))
    with pytest.raises(TypeError, match="guide is or has 5"):
        rescore(np.zeros((2, 4)), [], guide=5)


def test_the_result_depends_neither_on_threads_nor_on_the_memory_layout():
    rng = np.random.default_rng(5)
    log_probs_NTK = log_softmax(rng.normal(size=(9, 20, 7)))
    labellings = [[tuple(rng.integers(1, 7, size=5)) for _ in range(n)] for n in range(9)]
    expected = score_labellings(log_probs_NTK, labellings, threads=1)
    strided = np.asfortranarray(log_probs_NTK)[:, ::-1][:, ::-1]
    for threads, values in [(3, log_probs_NTK), (1, strided)]:
        got = score_labellings(values, labellings, threads=threads)
        assert [scores.tolist() for scores in got] == [scores.tolist() for scores in expected]
    alone = score_labellings(log_probs_NTK[8], labellings[8])
    assert alone.tolist() == expected[8].tolist()


def test_nothing_underflows_in_a_long_sequence():
    log_probs_TK = np.full((20_000, 3), -math.log(3))
    log_probs_TK[::2, 1] = -2000.0
    labels = (1, 2) * 50
    score = score_labellings(log_probs_TK, [labels], threads=1)[0]
    assert -1e5 < score < -1e3
    # One label at most: frames x blanks around it have a closed form.
    frames = 5_000
    only = score_labellings(np.full((frames, 2), -math.log(2)), [(1,), ()], threads=1)
    assert only[1] == pytest.approx(-frames * math.log(2), rel=1e-13)
    runs = frames * (frames + 1) / 2  # choices of the first and the last frame of the run
    assert only[0] == pytest.approx(math.log(runs) - frames * math.log(2), rel=1e-13)


def test_impossible_labellings_have_minus_infinity():
    with np.errstate(divide="ignore"):
        log_probs_TK = np.log(np.array([[0.5, 0.5, 0.0], [0.5, 0.5, 0.0], [0.2, 0.8, 0.0]]))
    got = score_labellings(log_probs_TK, [(2,), (1, 1), (1, 1, 1), (1, 2, 1), ()])
    assert got[0] == -math.inf  # its class has probability zero in every frame
    assert math.exp(got[1]) == pytest.approx(0.5 * 0.5 * 0.8)
    assert got[2] == got[3] == -math.inf  # five frames needed; a class of probability zero
    assert math.exp(got[4]) == pytest.approx(0.5 * 0.5 * 0.2)


def test_rescored_shares_and_posteriors_are_those_of_all_labellings():
    rng = np.random.default_rng(8)
    for kind in ("noisy", "unnormalised", "repeats"):
        log_probs_TK = log_probs_of(kind, rng, 5, 3)
        exact = all_labellings(log_probs_TK)
        total = math.fsum(math.exp(value) for value in exact.values())
        found = beam_search(log_probs_TK, beam_width=3, n_best=3)
        rescored = rescore(log_probs_TK, found)
        assert {h.labels for h in rescored} == {h.labels for h in found}
        assert [h.log_prob for h in rescored] == sorted((h.log_prob for h in rescored), reverse=True)
        inside = math.fsum(math.exp(exact[h.labels]) for h in rescored)
        for hypothesis in rescored:
            probability = math.exp(exact[hypothesis.labels])
            assert math.exp(hypothesis.log_prob) == pytest.approx(probability, rel=1e-12)
            assert hypothesis.share == pytest.approx(probability / inside, rel=1e-12)
            assert hypothesis.posterior == pytest.approx(probability / total, rel=1e-12)
            assert hypothesis.frames == next(h.frames for h in found if h.labels == hypothesis.labels)


def test_rescoring_changes_the_order_where_the_beam_lost_alignments():
    changed = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        log_probs_TK = log_softmax(rng.normal(size=(8, 4)))
        found = beam_search(log_probs_TK, beam_width=3, n_best=3, threads=1)
        rescored = rescore(log_probs_TK, found, threads=1)
        assert all(r.log_prob >= f.log_prob - 1e-12 for r in rescored for f in found if r.labels == f.labels)
        changed += rescored[0].labels != found[0].labels
    assert changed > 0


def test_rescored_ties_are_in_lexicographic_order():
    rows = np.log(np.full((2, 3), 1 / 3))
    found = [Hypothesis((2,), -9.0, ()), Hypothesis((1,), -9.0, ()), Hypothesis((1, 2), -1.0, ())]
    assert [h.labels for h in rescore(rows, found)] == [(1,), (2,), (1, 2)]
    group = [ScoredHypothesis((k,), -1.0 - k * 1e-13, (), 0.1, 0.1) for k in (3, 2, 1)]
    assert [h.labels for h in in_rank_order(group)] == [(1,), (2,), (3,)]


def test_batches_of_hypotheses_and_of_none():
    rng = np.random.default_rng(1)
    log_probs_NTK = log_softmax(rng.normal(size=(3, 6, 4))).astype(np.float32)
    greedy = greedy_search(log_probs_NTK)
    rescored = rescore(log_probs_NTK, [[one] for one in greedy])
    assert [h.share for (h,) in rescored] == [1.0] * 3
    assert all(h.log_prob >= g.log_prob for (h,), g in zip(rescored, greedy, strict=True))
    assert rescore(log_probs_NTK, [[], [], []]) == [[], [], []]
    assert rescore(np.zeros((0, 5, 3)), []) == []


@pytest.mark.parametrize(
    ("labellings", "kind", "message"),
    [
        ([(1, 0)], ValueError, r"labellings\[0\]\[1\] is 0, which is the blank; .* in \[0, 2\]"),
        ([(1,), (3,)], ValueError, r"labellings\[1\]\[0\] is 3, which is no class"),
        ([(-1,)], ValueError, "no class"),
        ([(1.5,)], TypeError, "whole numbers"),
        (["ab"], TypeError, "encode the text first"),
        ([1, 2], TypeError, "must be a sequence of classes"),
        (5, TypeError, "must be a list of labellings"),
    ],
)
def test_bad_labellings_are_named(labellings, kind, message):
    with pytest.raises(kind, match=message):
        score_labellings(np.log(np.full((4, 3), 1 / 3)), labellings)


def test_other_bad_arguments_are_named():
    rows = np.log(np.full((2, 4, 3), 1 / 3))
    with pytest.raises(ValueError, match="labellings has 1 elements; there must be 2"):
        score_labellings(rows, [[(1,)]])
    with pytest.raises(TypeError, match=r"hypotheses\[0\] is .*must be a list of hypotheses"):
        rescore(rows, [[(1,)], []])
    with pytest.raises(TypeError, match="must have one element for each sequence"):
        score_labellings(rows, 3)
    rows[1, 2, 1] = np.nan
    with pytest.raises(ValueError, match="sequence 1, frame 2, class 1 is nan"):
        score_labellings(rows, [[(1,)], [(1,)]])
    assert len(score_labellings(rows, [[(1,)], [(1,)]], [4, 2])) == 2  # frames behind the end are never read
    with pytest.raises(ValueError, match="threads"):
        score_labellings(rows, [[], []], threads=0)
