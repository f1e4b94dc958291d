"""The most probable labelling against the enumeration of all alignments; hostile inputs."""

import math

import numpy as np
import pytest

from ctcbench.decoding import BestLabelling, _core, beam_search, best_labelling, score_labellings
from ctcbench.decoding.reference import all_labellings
from ctcbench.decoding.softmax import log_softmax
from tests.decoding.decoding_cases import KINDS, log_probs_of, random_case

# With few prefixes and a narrow beam each proof fails somewhere, and the gap is tested.
SETTINGS = ({}, {"beam_width": 1, "nodes": 3}, {"beam_width": 2, "nodes": 0}, {"beam_width": 1, "nodes": 20})
MOST_ALIGNMENTS = 5_000


def check_against_all_labellings(seeds):
    """Assert for random cases that what is called optimal is, and that gaps hold; return the proofs."""
    proofs = set()
    for seed in seeds:
        case = random_case(seed)
        num_frames, num_classes = case.log_probs_TK.shape
        if num_classes**num_frames > MOST_ALIGNMENTS:
            continue
        exact = all_labellings(case.log_probs_TK, case.blank)
        highest = max(exact.values())
        rounding = 1e-11 * max(1.0, abs(highest))
        for settings in SETTINGS:
            best = best_labelling(case.log_probs_TK, blank=case.blank, threads=1, **settings)
            context = (seed, case.kind, settings, best)
            assert abs(best.log_prob - exact[best.labels]) <= rounding, context
            assert best.optimal == (best.gap == 0.0) == (best.proof != "none"), context
            assert highest - best.log_prob <= best.gap + rounding, context
            proofs.add(best.proof)
    return proofs


def test_what_is_called_optimal_is_the_best_of_all_labellings():
    assert check_against_all_labellings(range(90)) == {"best path", "beam", "prefix search", "none"}


@pytest.mark.slow
def test_what_is_called_optimal_is_the_best_of_all_labellings_in_many_cases():
    check_against_all_labellings(range(90, 40_000))


def test_no_beam_finds_a_more_probable_one():
    # Too many labellings for an enumeration: those of a wide beam in their place.
    better = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        log_probs_TK = log_softmax(rng.normal(size=(14, 8)) * rng.choice([1.0, 2.0, 4.0]))
        best = best_labelling(log_probs_TK, threads=1)
        found = beam_search(log_probs_TK, beam_width=300, n_best=40, threads=1, frames=False)
        scores = score_labellings(log_probs_TK, [hypothesis.labels for hypothesis in found], threads=1)
        assert scores.max() <= best.log_prob + best.gap + 1e-12
        narrow = beam_search(log_probs_TK, beam_width=2, threads=1, frames=False)[0]
        better += best.labels != narrow.labels
        assert best.log_prob >= score_labellings(log_probs_TK, [narrow.labels], threads=1)[0] - 1e-12
    assert better > 0


def test_of_ties_the_lexicographically_smallest_is_returned():
    # Each of the three labels is as probable as the others, and more probable than any other labelling.
    log_probs_TK = np.log([[0.1, 0.3, 0.3, 0.3], [0.7, 0.1, 0.1, 0.1]])
    best = best_labelling(log_probs_TK)
    assert best.labels == (1,)
    assert best.optimal
    assert best_labelling(log_probs_TK[:, ::-1], blank=3).labels == (0,)


def test_the_result_depends_neither_on_threads_nor_on_layout_nor_on_dtype():
    rng = np.random.default_rng(0)
    values_NTK = (log_softmax(rng.normal(size=(8, 12, 21)) * 3)).astype(np.float32)
    lengths = [12, 0, 5, 12, 9, 1, 12, 7]
    values_NTK[2, 5:] = np.nan  # never read
    expected = best_labelling(values_NTK, lengths, threads=1)
    strided = np.asfortranarray(values_NTK)
    for values, threads in [(values_NTK, 3), (strided, 1), (values_NTK.astype(np.float64), 1)]:
        got = best_labelling(values, lengths, threads=threads)
        assert [(b.labels, b.optimal) for b in got] == [(b.labels, b.optimal) for b in expected]
        assert [b.log_prob for b in got] == pytest.approx([b.log_prob for b in expected], rel=1e-13)
    assert [best_labelling(values_NTK[n, :length]) for n, length in enumerate(lengths)] == expected
    assert expected[1] == ((), 0.0, True, 0.0, "best path")


@pytest.mark.parametrize("kind", KINDS)
def test_rows_of_any_number_of_classes(kind):
    # The vectors of the cheap proof have sixteen elements, the others eight.
    rng = np.random.default_rng(1)
    for num_classes in [*range(1, 36), 63, 64, 65]:
        values_TK = log_probs_of(kind, rng, 3, num_classes)
        blank = int(rng.integers(num_classes))
        best = best_labelling(values_TK.astype(np.float32), blank=blank, threads=1)
        as_double = best_labelling(values_TK.astype(np.float32).astype(np.float64), blank=blank, threads=1)
        assert best.labels == as_double.labels
        found = beam_search(values_TK.astype(np.float32), beam_width=500, blank=blank, threads=1)[0]
        assert best.log_prob + best.gap >= found.log_prob - 1e-11 * max(1.0, abs(found.log_prob))


def test_uniform_rows_are_given_up_with_a_valid_gap():
    for num_frames, num_classes in [(18, 63), (200, 5), (5, 1000)]:
        log_probs_TK = np.full((num_frames, num_classes), -math.log(num_classes))
        best = best_labelling(log_probs_TK, nodes=500, threads=1)
        found = beam_search(log_probs_TK, beam_width=100, n_best=20, threads=1, frames=False)
        scores = score_labellings(log_probs_TK, [hypothesis.labels for hypothesis in found], threads=1)
        assert scores.max() <= best.log_prob + best.gap + 1e-9
        assert best.log_prob + best.gap <= 1e-9  # a probability is at most 1


def test_a_long_confident_sequence_is_proven():
    rng = np.random.default_rng(4)
    logits = rng.normal(size=(400, 30))
    path = np.where(np.arange(400) % 4 == 1, rng.integers(1, 30, size=400), 0)
    logits[np.arange(400), path] += 9.0
    best = best_labelling(log_softmax(logits), threads=1)
    assert best.optimal
    assert best.labels == tuple(path[path > 0].tolist())


def test_probabilities_far_below_a_double_have_an_exact_score_and_a_gap():
    rng = np.random.default_rng(0)
    log_probs_TK = log_softmax(rng.normal(size=(1500, 4)))
    best = best_labelling(log_probs_TK, threads=1)
    assert not best.optimal
    assert best.log_prob == pytest.approx(score_labellings(log_probs_TK, [best.labels])[0], rel=1e-12)
    assert best.gap == pytest.approx(-best.log_prob, rel=1e-9)


def test_rows_that_do_not_sum_to_one_change_nothing_but_the_score():
    rng = np.random.default_rng(7)
    log_probs_TK = log_softmax(rng.normal(size=(9, 6)) * 3)
    best = best_labelling(log_probs_TK)
    for shift in (-2.0, -700.0, -1e5):
        lower = best_labelling(log_probs_TK + shift)
        assert (lower.labels, lower.optimal) == (best.labels, best.optimal)
        assert lower.log_prob == pytest.approx(best.log_prob + 9 * shift, rel=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_values_that_are_no_log_probabilities_are_named(dtype):
    rows = np.log(np.full((2, 4, 19), 1 / 19)).astype(dtype)
    for bad in (np.nan, 0.5, np.inf):
        for place in (0, 7, 18):
            broken = rows.copy()
            broken[1, 2, place] = bad
            with pytest.raises(ValueError, match=f"sequence 1, frame 2, class {place} is"):
                best_labelling(broken)
    rows[0, 1] = -np.inf
    with pytest.raises(ValueError, match="frame 1 holds nothing above"):
        best_labelling(rows)
    rows[0, 1, 3] = -0.5
    assert 3 in best_labelling(rows)[0].labels


def test_bad_arguments_are_named():
    rows = np.log(np.full((4, 3), 1 / 3))
    for name, value in [("nodes", -1), ("beam_width", 0), ("threads", 0), ("blank", 3)]:
        with pytest.raises(ValueError, match=name):
            best_labelling(rows, **{name: value})
    with pytest.raises(TypeError, match="nodes"):
        best_labelling(rows, nodes=2.5)


LANES = [path for path in _core.paths() if path != "exact"]


def all_results(log_probs_TK, path, **options):
    options = {"blank": 0, "beam_width": 2, "nodes": 20, "threads": 1} | options
    values_NTK, lengths_N = log_probs_TK[None], np.array([len(log_probs_TK)])
    return _core.best_labellings(values_NTK, lengths_N, path=path, labelling=BestLabelling, **options)


def test_all_code_paths_are_bit_identical():
    for seed in range(400):
        case = random_case(seed)
        for nodes in (20, 10_000):
            first, *others = [
                all_results(case.log_probs_TK, path, blank=case.blank, nodes=nodes) for path in LANES
            ]
            assert all(other == first for other in others), f"{seed=} {case}"


def test_hypotheses_are_the_labellings_without_their_proofs():
    values_NTK = log_softmax(np.random.default_rng(3).normal(size=(20, 9, 17)) * 4)
    expected = [(best.labels, best.log_prob, ()) for best in best_labelling(values_NTK)]
    assert best_labelling(values_NTK, proofs=False) == expected
    assert best_labelling(values_NTK[0], proofs=False) == expected[0]
    with pytest.raises(ValueError, match="sequence 0, frame 1, class 2 is nan"):
        best_labelling([[0.0, -1.0, -2.0], [0.0, -1.0, np.nan]], proofs=False)
    with pytest.raises(TypeError, match="proofs is 1; it must be True or False"):
        best_labelling(values_NTK, proofs=1)
