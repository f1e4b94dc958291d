"""How sure a recogniser is of a text, as a probability that holds: calibrated on its validation images."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ctcbench.contract.data import LogProbs
from ctcbench.training.ctc_likelihood import text_log_probs

# What is searched; label smoothing leaves a sure recogniser at a third of its probability, and wants about 2.
_LEAST, _MOST = 0.25, 16.0
_COARSE, _FINE = 9, 15
_IMAGES = 500


def fit_inverse_temperature(log_probs: LogProbs) -> float:
    """Return the β for which p^β, normalised in each frame, makes the true texts most probable.

    That is temperature scaling (Guo et al. 2017) by CTC's own likelihood, with 1/β for the temperature:
    one number, so that some hundred images are plenty. 1 where there is no image.
    """
    some = slice(0, _IMAGES)
    texts = log_probs.texts[some]
    if not texts:
        return 1.0
    labels = [log_probs.alphabet.encode(text) for text in texts]
    cut = LogProbs(log_probs.values_NTK[some], log_probs.lengths_N[some], texts, log_probs.alphabet)
    step = (_MOST / _LEAST) ** (1 / (_COARSE - 1))
    best = _best(cut, labels, np.geomspace(_LEAST, _MOST, _COARSE))
    return _best(cut, labels, np.geomspace(best / step, best * step, _FINE + 2)[1:-1])


def _best(log_probs: LogProbs, labels: Sequence[Sequence[int]], sharpnesses: NDArray[np.float64]) -> float:
    likelihoods = [text_log_probs(log_probs, labels, float(sharpness)).mean() for sharpness in sharpnesses]
    return float(sharpnesses[int(np.argmax(likelihoods))])
