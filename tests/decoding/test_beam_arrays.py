"""beam_search_arrays returns what beam_search returns, as padded arrays."""

import numpy as np
import pytest

from ctcbench.decoding import beam_search, beam_search_arrays
from tests.decoding.decoding_cases import log_probs_of


def as_lists(found):
    """Return the arrays of one sequence in the form that `beam_search` returns."""
    return [
        (tuple(labels[:length].tolist()), float(log_prob), tuple(frames[:length].tolist()))
        for labels, length, log_prob, frames in zip(*found, strict=True)
        if log_prob > -np.inf
    ]


@pytest.mark.parametrize("n_best", [1, 6])
def test_same_results_as_objects(n_best):
    rng = np.random.default_rng(0)
    values_NTK = np.stack([log_probs_of("minus infinity", rng, 6, 3) for _ in range(40)]).astype(np.float32)
    lengths = rng.integers(7, size=40)
    found = beam_search_arrays(values_NTK, lengths, n_best=n_best, threads=2)
    expected = beam_search(values_NTK, lengths, n_best=n_best)
    most, longest = max(map(len, expected)), max(len(h.labels) for r in expected for h in r)
    assert found.labels.shape == found.frames.shape == (40, most, longest)
    assert found.lengths.shape == found.log_probs.shape == (40, most)
    assert [array.dtype for array in found] == [np.int32, np.int32, np.float64, np.int32]
    assert [as_lists([array[n] for array in found]) for n in range(40)] == expected
    behind = np.arange(longest) >= found.lengths[:, :, None]
    assert (found.labels[behind] == -1).all() and (found.frames[behind] == -1).all()
    assert (found.labels[~behind] > 0).all() and (found.frames[~behind] >= 0).all()


def test_one_sequence_has_no_first_axis():
    values_TK = log_probs_of("noisy", np.random.default_rng(1), 12, 5)
    found = beam_search_arrays(values_TK, n_best=4)
    assert found.lengths.shape == (4,)
    assert as_lists(found) == beam_search(values_TK, n_best=4)


def test_without_frames_the_rest_is_the_same():
    values_NTK = log_probs_of("noisy", np.random.default_rng(1), 24, 5).reshape(2, 12, 5)
    found, expected = beam_search_arrays(values_NTK, frames=False), beam_search_arrays(values_NTK)
    assert found.frames.shape == (2, 1, 0)
    assert all(np.array_equal(a, b) for a, b in zip(found[:3], expected[:3], strict=True))
    assert beam_search_arrays(values_NTK[0], frames=False).frames.shape == (1, 0)


def test_empty_inputs():
    assert beam_search_arrays(np.zeros((0, 5, 3))).labels.shape == (0, 0, 0)
    assert beam_search_arrays(np.zeros((2, 0, 3))).labels.shape == (2, 1, 0)
    assert beam_search_arrays(np.zeros((2, 0, 3))).log_probs.tolist() == [[0.0], [0.0]]


def test_same_errors_as_beam_search():
    with pytest.raises(ValueError, match="sequence 0, frame 1, class 1 is nan"):
        beam_search_arrays(np.array([[-1.0, -1.0], [-1.0, np.nan]]))
    with pytest.raises(ValueError, match="n_best is 26"):
        beam_search_arrays(np.zeros((1, 2)), n_best=26)
