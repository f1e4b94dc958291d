"""How sure a recogniser is of a text, as a probability that holds: calibrated on its validation images."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as F

from ctcbench.contract.data import LogProbs
from ctcbench.contract.specs import BLANK

# What is searched; label smoothing leaves a sure recogniser at a third of its probability, and wants about 2.
_LEAST, _MOST = 0.25, 16.0
_COARSE, _FINE = 9, 15
_IMAGES = 500


def fit_sharpness(log_probs: LogProbs) -> float:
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


def text_log_probs(
    log_probs: LogProbs, labels_N: Sequence[Sequence[int]], sharpness: float
) -> NDArray[np.float64]:
    """Return log p(labels) of each image (N,), over all alignments, from p^sharpness normalised."""
    values_NTK = torch.from_numpy(log_probs.values_NTK) * sharpness
    losses_N = F.ctc_loss(
        values_NTK.log_softmax(-1).transpose(0, 1),
        torch.tensor([label for labels in labels_N for label in labels], dtype=torch.long),
        torch.from_numpy(log_probs.lengths_N),
        torch.tensor([len(labels) for labels in labels_N]),
        blank=BLANK,
        reduction="none",
    )
    found: NDArray[np.float64] = -losses_N.double().numpy()
    return found
