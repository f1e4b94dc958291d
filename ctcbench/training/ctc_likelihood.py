"""How probable texts are by a recogniser's log-probs: CTC's likelihood, image by image."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as F

from ctcbench.contract.data import LogProbs
from ctcbench.contract.specs import BLANK


def text_log_probs(
    log_probs: LogProbs, labels_N: Sequence[Sequence[int]], sharpness: float = 1.0
) -> NDArray[np.float64]:
    """Return log p(labels) of each image (N,), over all alignments, from p^sharpness normalised, in nats."""
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
