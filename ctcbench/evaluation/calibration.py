"""Calibration of a recogniser's confidence: temperature scaling, fitted on its validation images."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ctcbench.contract.data import LogProbs
from ctcbench.evaluation.ctc_likelihood import text_log_probs

# Range and numbers of grid points of the search. Label smoothing limits the probability of a confident
# recogniser to about a third; the sharpness that undoes that is about 2.
_LOWEST, _HIGHEST = 0.25, 16.0  # of the coarse grid; the fine one may go a step beyond
_COARSE_POINTS, _FINE_POINTS = 9, 15
_MAX_IMAGES = 500


def fit_sharpness(log_probs: LogProbs) -> float:
    """Return the sharpness β that maximises the CTC likelihood of the true texts.

    Temperature scaling (Guo et al. 2017, section 4.2) with the temperature 1/β: the probabilities
    of each frame are p^β, normalised. The single parameter is fitted on the first 500 images, without those
    whose text has no probability at any β: it has characters that the alphabet lacks, or more than the image
    has frames.

    One more image is taken to be misread with the mean confidence: the likelihood is
    n·L(β) + log(1 − exp L(β)) with L for the mean over n images. Where all images are right, L alone would
    grow without bound and any text would be certain; so the mean confidence is at most n/(n + 1).

    Args:
        log_probs: log-probabilities of images with their true texts.

    Returns:
        β between 0.15 and 26, or 1 if there are no images with a possible text.
    """
    among = log_probs.texts[:_MAX_IMAGES]
    rows = [row for row, text in enumerate(among) if not log_probs.alphabet.missing(text)]
    first = _some(log_probs, np.array(rows, np.int64))
    if not len(first):
        return 1.0
    # One of them would make the likelihood zero at each β, so that the lowest was returned.
    possible_N = np.isfinite(text_log_probs(first, _labels(first)))
    subset = _some(first, np.flatnonzero(possible_N))
    if not len(subset):
        return 1.0
    labels = _labels(subset)
    step = (_HIGHEST / _LOWEST) ** (1 / (_COARSE_POINTS - 1))
    best = _most_likely(subset, labels, np.geomspace(_LOWEST, _HIGHEST, _COARSE_POINTS))
    return _most_likely(subset, labels, np.geomspace(best / step, best * step, _FINE_POINTS + 2)[1:-1])


def _some(log_probs: LogProbs, rows_N: NDArray[np.int64]) -> LogProbs:
    texts = tuple(log_probs.texts[row] for row in rows_N.tolist())
    return LogProbs(log_probs.values_NTK[rows_N], log_probs.lengths_N[rows_N], texts, log_probs.alphabet)


def _labels(log_probs: LogProbs) -> list[Sequence[int]]:
    return [log_probs.alphabet.encode(text) for text in log_probs.texts]


def _most_likely(
    log_probs: LogProbs, labels: Sequence[Sequence[int]], candidates: NDArray[np.float64]
) -> float:
    means = np.array([text_log_probs(log_probs, labels, float(beta)).mean() for beta in candidates])
    # Rounding may make a certain text more than certain.
    confidences = np.minimum(np.exp(means), 1 - 1e-9)
    return float(candidates[int(np.argmax(len(labels) * means + np.log1p(-confidences)))])
