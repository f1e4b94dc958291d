"""Forced alignment against the enumeration of all alignments."""

import itertools
import math

import numpy as np
import pytest

from ctcbench.decoding import Alignment, align, beam_search, score_labellings
from ctcbench.decoding.arguments import LOWEST_LOG
from ctcbench.decoding.reference import peak_frames
from ctcbench.decoding.softmax import log_softmax
from tests.decoding.decoding_cases import KINDS, log_probs_of, random_case


def best_alignments(values_TK, blank):
    """Return for each labelling the highest log-probability of an alignment, by enumerating all of them."""
    best = {}
    values_TK = np.where(values_TK < LOWEST_LOG, -np.inf, values_TK.astype(np.float64))
    for path in itertools.product(range(values_TK.shape[1]), repeat=len(values_TK)):
        labels = tuple(symbol for symbol, _ in itertools.groupby(path) if symbol != blank)
        score = sum(values_TK[t, k] for t, k in enumerate(path))
        best[labels] = max(best.get(labels, -math.inf), score)
    return best


def path_of(alignment, num_frames, blank):
    path = [blank] * num_frames
    for span in alignment.spans:
        path[span.start : span.end] = [span.label] * (span.end - span.start)
    return path


@pytest.mark.parametrize("kind", KINDS)
def test_alignments_are_the_best_of_all(kind):
    rng = np.random.default_rng(KINDS.index(kind))
    for num_frames, num_classes in [(1, 2), (4, 2), (5, 3), (4, 4)]:
        log_probs_TK = log_probs_of(kind, rng, num_frames, num_classes)
        blank = int(rng.integers(num_classes))
        for labels, score in best_alignments(log_probs_TK, blank).items():
            found = align(log_probs_TK, labels, blank=blank, threads=1)
            if score == -math.inf:
                assert found == Alignment(-math.inf, ())
                continue
            assert found.log_prob == pytest.approx(score, rel=1e-12, abs=1e-12)
            path = path_of(found, num_frames, blank)
            assert tuple(k for k, _ in itertools.groupby(path) if k != blank) == labels
            assert sum(log_probs_TK[t, k] for t, k in enumerate(path)) == pytest.approx(score, rel=1e-12)


def test_spans_have_the_peaks_of_the_reference_and_the_mean_probability():
    checked = 0
    for seed in range(150):
        case = random_case(seed)
        for hypothesis in beam_search(case.log_probs_TK, beam_width=2, n_best=2, blank=case.blank, threads=1):
            found = align(case.log_probs_TK, hypothesis.labels, blank=case.blank, threads=1)
            assert tuple(span.label for span in found.spans) == hypothesis.labels
            peaks = peak_frames(case.log_probs_TK.astype(np.float64), hypothesis.labels, case.blank)
            assert tuple(span.peak for span in found.spans) == peaks == hypothesis.frames
            ends = [0] + [frame for span in found.spans for frame in (span.start, span.end)]
            assert ends == sorted(ends) and ends[-1] <= len(case.log_probs_TK)
            rows = log_softmax(case.log_probs_TK)
            for span in found.spans:
                assert span.start <= span.peak < span.end
                mean = np.exp(rows[span.start : span.end, span.label]).mean()
                assert span.confidence == pytest.approx(mean, rel=1e-9)
                checked += 1
    assert checked > 200


def test_frames_of_a_clear_case():
    probabilities = np.full((7, 3), 0.05)
    for frame, label in enumerate((0, 1, 1, 0, 2, 2, 2)):
        probabilities[frame, label] = 0.9
    spans = align(np.log(probabilities), (1, 2)).spans
    assert [(span.start, span.end) for span in spans] == [(1, 3), (4, 7)]
    assert all(span.confidence == pytest.approx(0.9) for span in spans)


def test_a_long_alignment_is_that_of_a_short_one_repeated():
    # More frames than the table of steps holds: computed in parts.
    rng = np.random.default_rng(0)
    num_frames = 6_000
    log_probs_TK = log_softmax(rng.normal(size=(num_frames, 4)) * 3).astype(np.float32)
    labels = [k for k, _ in itertools.groupby(log_probs_TK.argmax(1).tolist()) if k]
    found = align(log_probs_TK, labels, threads=1)
    assert found.log_prob == pytest.approx(log_probs_TK.max(1).astype(float).sum(), rel=1e-9)
    assert path_of(found, num_frames, 0) == log_probs_TK.argmax(1).tolist()


def test_batches_lengths_and_impossible_labellings():
    rng = np.random.default_rng(2)
    log_probs_NTK = log_softmax(rng.normal(size=(4, 6, 4)))
    log_probs_NTK[2, 3:] = np.nan
    labels = [(1, 2, 3), (), (1, 1), (2, 2, 2, 2)]
    lengths = [6, 6, 3, 6]
    found = align(log_probs_NTK, labels, lengths, threads=2)
    assert found[3] == Alignment(-math.inf, ())  # seven frames needed
    assert found[1].spans == ()
    assert found[1].log_prob == pytest.approx(log_probs_NTK[1, :, 0].sum())
    assert [(span.start, span.end) for span in found[2].spans] == [(0, 1), (2, 3)]
    for n in range(4):
        assert found[n] == align(log_probs_NTK[n, : lengths[n]], labels[n])
    scores = score_labellings(log_probs_NTK, [[one] for one in labels], lengths)
    assert all(one.log_prob <= score[0] + 1e-12 for one, score in zip(found, scores, strict=True))
    assert align(np.zeros((0, 4, 3)), []) == []


def test_bad_arguments_are_named():
    rows = np.log(np.full((2, 4, 3), 1 / 3))
    with pytest.raises(ValueError, match=r"labels\[1\]\[0\] is 3, which is no class"):
        align(rows, [(1,), (3,)])
    with pytest.raises(ValueError, match="labels has 3 elements; there must be 2"):
        align(rows, (1, 2, 1))
    with pytest.raises(TypeError, match=r"labels\[0\] is 1; it must be a sequence of classes"):
        align(rows, (1, 2))
    rows[0, 1, 1] = 0.5
    with pytest.raises(ValueError, match=r"frame 1, class 1 is 0\.5"):
        align(rows, [(1,), (2,)])
