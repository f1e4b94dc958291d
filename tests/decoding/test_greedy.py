"""greedy_search against best path decoding in plain Python."""

import itertools

import numpy as np
import pytest

from ctcbench.decoding import Hypothesis, greedy_search
from tests.decoding.decoding_cases import log_probs_of, random_case


def plain(log_probs_TK, blank):
    path = [int(np.argmax(row)) for row in log_probs_TK]
    runs = [(k, list(run)) for k, run in itertools.groupby(range(len(path)), lambda t: path[t])]
    return Hypothesis(
        tuple(k for k, _ in runs if k != blank),
        float(sum(log_probs_TK[t, k].astype(float) for t, k in enumerate(path))),
        tuple(max(run, key=lambda t: log_probs_TK[t, k]) for k, run in runs if k != blank),
    )


def assert_close(got, expected):
    assert (got.labels, got.frames) == (expected.labels, expected.frames)
    assert got.log_prob == pytest.approx(expected.log_prob, rel=1e-12)


def test_against_plain_python():
    for seed in range(500):
        case = random_case(seed)
        assert_close(greedy_search(case.log_probs_TK, blank=case.blank), plain(case.log_probs_TK, case.blank))


def test_a_batch_with_lengths():
    rng = np.random.default_rng(0)
    log_probs_NTK = np.stack([log_probs_of("noisy", rng, 12, 4) for _ in range(50)])
    lengths = rng.integers(0, 13, size=50)
    expected = [plain(x[:length], 2) for x, length in zip(log_probs_NTK, lengths, strict=True)]
    log_probs_NTK[np.arange(12) >= lengths[:, None]] = np.nan
    found = greedy_search(log_probs_NTK, lengths, blank=2)
    for a, b in zip(found, expected, strict=True):
        assert_close(a, b)
    assert all(isinstance(value, int) for h in found for value in h.labels + h.frames)


def test_empty_inputs():
    assert greedy_search(np.zeros((0, 4, 3))) == []
    assert greedy_search(np.zeros((2, 0, 3))) == [Hypothesis((), 0.0, ())] * 2
    assert greedy_search(np.zeros((0, 3))) == Hypothesis((), 0.0, ())


def test_normalize_applies_the_log_softmax():
    assert greedy_search(np.array([[0.0, 3.0]]), normalize=True).log_prob == pytest.approx(
        -np.log1p(np.exp(-3))
    )


def test_without_frames_the_rest_is_the_same():
    for seed in range(100):
        case = random_case(seed)
        found = greedy_search(case.log_probs_TK, blank=case.blank, frames=False)
        assert found == greedy_search(case.log_probs_TK, blank=case.blank)._replace(frames=())


def test_without_merging_each_frame_that_is_not_blank_is_a_character():
    path_TK = np.log(np.eye(3)[[1, 1, 0, 2]] * 0.7 + 0.1)
    found = greedy_search(path_TK, merge_repeats=False)
    assert (found.labels, found.frames) == ((1, 1, 2), (0, 1, 3))
