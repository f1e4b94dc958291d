"""The frames of each character of a text: the most probable CTC alignment (Viterbi 1967)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ctcbench.contract.data import LogProbs
from ctcbench.evaluation.ctc_likelihood import ctc_states

_IMPOSSIBLE = -1e30  # stands for −inf, as sums of it stay finite


def character_frames(log_probs: LogProbs, labels_N: Sequence[Sequence[int]]) -> list[NDArray[np.int64]]:
    """Return the first and the last frame of each character on the most probable alignment of a labelling.

    Of equally probable alignments the one whose characters end latest is taken.

    Args:
        log_probs: log-probabilities of N images.
        labels_N: a labelling for each image, without blanks.

    Returns:
        For each image an array of shape (L, 2). Where no alignment is possible, because there are too few
        frames or a character has no probability in any, some characters may have none: their last frame is
        before their first one.
    """
    states_NS, skips_NS = ctc_states(labels_N)
    emitted_NTS = np.take_along_axis(log_probs.values_NTK, states_NS[:, None, :], axis=2)
    emitted_NTS = np.maximum(emitted_NTS, _IMPOSSIBLE).astype(np.float64)
    frames = emitted_NTS.shape[1]
    best_NS = np.full(states_NS.shape, _IMPOSSIBLE)
    best_NS[:, :2] = emitted_NTS[:, 0, :2]
    steps_TNS = np.zeros((frames, *states_NS.shape), np.int8)
    before_NS = np.full((len(labels_N), 2 + states_NS.shape[1]), _IMPOSSIBLE)
    for frame in range(1, frames):
        before_NS[:, 2:] = best_NS
        skip_NS = np.where(skips_NS, before_NS[:, :-2], _IMPOSSIBLE)
        ways_3NS = np.stack([best_NS, before_NS[:, 1:-1], skip_NS])
        is_valid_N1 = (frame < log_probs.lengths_N)[:, None]
        steps_TNS[frame] = np.where(is_valid_N1, ways_3NS.argmax(0), 0)
        best_NS = np.where(is_valid_N1, ways_3NS.max(0) + emitted_NTS[:, frame], best_NS)
    path_NT = _trace_back(best_NS, steps_TNS, np.array([len(labels) for labels in labels_N], np.int64))
    return [
        _runs(path_T[:length], len(labels))
        for path_T, length, labels in zip(path_NT, log_probs.lengths_N, labels_N, strict=True)
    ]


def _trace_back(
    best_NS: NDArray[np.float64], steps_TNS: NDArray[np.int8], lengths_N: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return the state of each frame, from the last frame to the first."""
    rows_N = np.arange(len(lengths_N))
    last_N = 2 * lengths_N
    # A text ends in its last character or in the blank after it.
    ends_in_label_N = (lengths_N > 0) & (best_NS[rows_N, last_N - 1] >= best_NS[rows_N, last_N])
    state_N = last_N - ends_in_label_N
    path_NT = np.empty((len(lengths_N), len(steps_TNS)), np.int64)
    for frame in reversed(range(len(steps_TNS))):
        path_NT[:, frame] = state_N
        state_N = state_N - steps_TNS[frame, rows_N, state_N]
    return path_NT


def _runs(path_T: NDArray[np.int64], characters: int) -> NDArray[np.int64]:
    # The states of an alignment never decrease.
    states_L = 2 * np.arange(characters) + 1
    first_L = np.searchsorted(path_T, states_L, "left")
    return np.stack([first_L, np.searchsorted(path_T, states_L, "right") - 1], axis=1)
