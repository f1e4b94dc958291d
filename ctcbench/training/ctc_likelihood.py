"""CTC likelihood of texts, given a recogniser's log-probabilities."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as F

from ctcbench.contract.data import LogProbs
from ctcbench.contract.specs import BLANK


def text_log_probs(
    log_probs: LogProbs, labels_N: Sequence[Sequence[int]], inverse_temperature: float = 1.0
) -> NDArray[np.float64]:
    """Return log p(labels | image) of each image in nats, summed over all alignments (Graves et al. 2006).

    Args:
        log_probs: log-probabilities of N images.
        labels_N: a labelling for each image, without blanks.
        inverse_temperature: exponent β of the probabilities, which are then normalised in each frame.

    Returns:
        Array of shape (N,); −inf where an image has too few frames for the labelling.
    """
    # p^β normalised in each frame is the softmax of β · log p.
    values_NTK = torch.from_numpy(log_probs.values_NTK) * inverse_temperature
    losses_N = F.ctc_loss(
        values_NTK.log_softmax(-1).transpose(0, 1),
        torch.tensor([label for labels in labels_N for label in labels], dtype=torch.long),
        torch.from_numpy(log_probs.lengths_N),
        torch.tensor([len(labels) for labels in labels_N]),
        blank=BLANK,
        reduction="none",
    )
    result: NDArray[np.float64] = -losses_N.double().numpy()
    return result
