"""CTC likelihood of texts, given a recogniser's log-probabilities; without torch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ctcbench.contract.data import LogProbs
from ctcbench.contract.specs import BLANK

# Stands for −inf, whose differences would be NaN. A sum over any number of frames stays finite.
_IMPOSSIBLE = -1e30


def text_log_probs(
    log_probs: LogProbs, labels_N: Sequence[Sequence[int]], sharpness: float = 1.0
) -> NDArray[np.float64]:
    """Return log p(labels | image) of each image in nats, summed over all alignments (Graves et al. 2006).

    Args:
        log_probs: log-probabilities of N images.
        labels_N: a labelling for each image, without blanks.
        sharpness: exponent β of the probabilities, which are then normalised in each frame;
            `calibration.fit_sharpness` returns one that calibrates them.

    Returns:
        Array of shape (N,); −inf where an image has too few frames for the labelling.
    """
    states_NS, skips_NS = ctc_states(labels_N)
    emitted_NTS = _emissions(log_probs.values_NTK, states_NS, sharpness)
    # The forward variable of equations 6 to 8, in logarithms: of the images still to be read at each frame.
    forward_NS = np.full(states_NS.shape, _IMPOSSIBLE)
    forward_NS[:, :2] = emitted_NTS[:, 0, :2]
    before_NS = np.full((len(labels_N), 2 + states_NS.shape[1]), _IMPOSSIBLE)
    for frame in range(1, emitted_NTS.shape[1]):
        before_NS[:, 2:] = forward_NS
        stay_NS, step_NS = forward_NS, before_NS[:, 1:-1]
        skip_NS = np.where(skips_NS, before_NS[:, :-2], _IMPOSSIBLE)
        high_NS = np.maximum(np.maximum(stay_NS, step_NS), skip_NS)
        sums_NS = np.exp(stay_NS - high_NS) + np.exp(step_NS - high_NS) + np.exp(skip_NS - high_NS)
        after_NS = high_NS + np.log(sums_NS) + emitted_NTS[:, frame]
        forward_NS = np.where((frame < log_probs.lengths_N)[:, None], after_NS, forward_NS)
    # A text ends in its last character or in the blank after it; an empty text in the blank alone.
    lengths_N = np.array([len(labels) for labels in labels_N], dtype=np.int64)
    rows_N = np.arange(len(labels_N))
    last_N = np.where(lengths_N > 0, forward_NS[rows_N, 2 * lengths_N - 1], _IMPOSSIBLE)
    result_N: NDArray[np.float64] = np.logaddexp(forward_NS[rows_N, 2 * lengths_N], last_N)
    return np.where(result_N < _IMPOSSIBLE / 2, -np.inf, result_N)


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
    values_NTK: NDArray[np.float32], states_NS: NDArray[np.int64], sharpness: float
) -> NDArray[np.float64]:
    """Return the log-probability of each state's class in each frame, of the p^β normalised in each frame."""
    # p^β normalised in each frame is the softmax of β · log p.
    scaled_NTK = values_NTK * np.float32(sharpness)
    highest_NT1 = scaled_NTK.max(-1, keepdims=True)
    sums_NT1 = np.exp(scaled_NTK - highest_NT1).sum(-1, keepdims=True, dtype=np.float64)
    emitted_NTS = np.take_along_axis(scaled_NTK, states_NS[:, None, :], axis=2)
    log_probs_NTS: NDArray[np.float64] = np.maximum(
        emitted_NTS - (highest_NT1 + np.log(sums_NT1)), _IMPOSSIBLE
    )
    return log_probs_NTS
