"""CTC likelihood of texts, given a recogniser's log-probabilities; without torch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ctcbench.contract.data import LogProbs
from ctcbench.contract.specs import BLANK

# Stands for −inf, whose differences would be NaN. A sum over any number of frames stays finite.
_IMPOSSIBLE = -1e30
_MOST_BYTES = 2**26  # of the arrays that are in memory at once


def text_log_probs(
    log_probs: LogProbs,
    labels_M: Sequence[Sequence[int]],
    sharpness: float = 1.0,
    images_M: NDArray[np.int64] | None = None,
) -> NDArray[np.float64]:
    """Return log p(labels | image) in nats, summed over all alignments (Graves et al. 2006).

    The memory is bounded for any number of images and labellings.

    Args:
        log_probs: log-probabilities of N images.
        labels_M: labellings, without blanks.
        sharpness: exponent β of the probabilities, which are then normalised in each frame;
            `calibration.fit_sharpness` returns one that calibrates them.
        images_M: the number of the image of each labelling; None: there is one for each image.

    Returns:
        Array of shape (M,); −inf where an image has too few frames for the labelling.
    """
    images_M = np.arange(len(labels_M)) if images_M is None else images_M
    result_M = np.empty(len(labels_M))
    at_once = _labellings_at_once(log_probs, labels_M)
    for start in range(0, len(labels_M), at_once):
        some = slice(start, start + at_once)
        # Several labellings of an image share its normalised values.
        images_N, rows_M = np.unique(images_M[some], return_inverse=True)
        result_M[some] = _sums_of_alignments(
            log_probs.values_NTK[images_N],
            log_probs.lengths_N[images_M[some]],
            labels_M[some],
            rows_M,
            sharpness,
        )
    return result_M


def _labellings_at_once(log_probs: LogProbs, labels_M: Sequence[Sequence[int]]) -> int:
    """Return how many labellings need about `_MOST_BYTES`, each of an image of its own."""
    _, frames, classes = log_probs.values_NTK.shape
    states = 2 * max(map(len, labels_M), default=0) + 1
    # Three arrays float32 of all classes, and for the states one float32 and two float64.
    of_one = int(frames * (12 * classes + 20 * states))
    return max(1, _MOST_BYTES // max(1, of_one))


def _sums_of_alignments(
    values_NTK: NDArray[np.float32],
    lengths_M: NDArray[np.int64],
    labels_M: Sequence[Sequence[int]],
    images_M: NDArray[np.int64],
    sharpness: float,
) -> NDArray[np.float64]:
    states_MS, skips_MS = ctc_states(labels_M)
    emitted_MTS = _emissions(values_NTK, images_M, states_MS, sharpness)
    # The forward variable of equations 6 to 8, in logarithms: of the images still to be read at each frame.
    forward_MS = np.full(states_MS.shape, _IMPOSSIBLE)
    forward_MS[:, :2] = emitted_MTS[:, 0, :2]
    before_MS = np.full((len(labels_M), 2 + states_MS.shape[1]), _IMPOSSIBLE)
    for frame in range(1, emitted_MTS.shape[1]):
        before_MS[:, 2:] = forward_MS
        stay_MS, step_MS = forward_MS, before_MS[:, 1:-1]
        skip_MS = np.where(skips_MS, before_MS[:, :-2], _IMPOSSIBLE)
        high_MS = np.maximum(np.maximum(stay_MS, step_MS), skip_MS)
        sums_MS = np.exp(stay_MS - high_MS) + np.exp(step_MS - high_MS) + np.exp(skip_MS - high_MS)
        after_MS = high_MS + np.log(sums_MS) + emitted_MTS[:, frame]
        forward_MS = np.where((frame < lengths_M)[:, None], after_MS, forward_MS)
    # A text ends in its last character or in the blank after it; an empty text in the blank alone.
    sizes_M = np.array([len(labels) for labels in labels_M], dtype=np.int64)
    rows_M = np.arange(len(labels_M))
    last_M = np.where(sizes_M > 0, forward_MS[rows_M, 2 * sizes_M - 1], _IMPOSSIBLE)
    result_M: NDArray[np.float64] = np.logaddexp(forward_MS[rows_M, 2 * sizes_M], last_M)
    return np.where(result_M < _IMPOSSIBLE / 2, -np.inf, result_M)


def ctc_states(labels_N: Sequence[Sequence[int]]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return the classes of the 2L + 1 states of each labelling, and which can follow the last but one.

    A labelling has a state for each label, and one for the blank before, between and after them.
    """
    longest = max(map(len, labels_N), default=0)
    states_NS = np.full((len(labels_N), 2 * longest + 1), BLANK, dtype=np.int64)
    for row, labels in enumerate(labels_N):
        states_NS[row, 1 : 2 * len(labels) : 2] = labels
    skips_NS = np.zeros(states_NS.shape, dtype=np.bool_)
    # Between two equal labels the blank can't be left out.
    skips_NS[:, 2:] = (states_NS[:, 2:] != BLANK) & (states_NS[:, 2:] != states_NS[:, :-2])
    return states_NS, skips_NS


def _emissions(
    values_NTK: NDArray[np.float32],
    images_M: NDArray[np.int64],
    states_MS: NDArray[np.int64],
    sharpness: float,
) -> NDArray[np.float64]:
    """Return the log-probability of each state's class in each frame, of the p^β normalised in each frame."""
    # p^β normalised in each frame is the softmax of β · log p.
    scaled_NTK = values_NTK * np.float32(sharpness)
    highest_NT1 = scaled_NTK.max(-1, keepdims=True)
    sums_NT1 = np.exp(scaled_NTK - highest_NT1).sum(-1, keepdims=True, dtype=np.float64)
    norms_NT1 = highest_NT1 + np.log(sums_NT1)
    frames_T1 = np.arange(values_NTK.shape[1])[:, None]
    emitted_MTS = scaled_NTK[images_M[:, None, None], frames_T1, states_MS[:, None, :]]
    log_probs_MTS: NDArray[np.float64] = np.maximum(emitted_MTS - norms_NT1[images_M], _IMPOSSIBLE)
    return log_probs_MTS
