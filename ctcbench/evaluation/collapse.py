"""How much of its time a recogniser spends on the blank, from its log-probs."""

from __future__ import annotations

import numpy as np

from ctcbench.contract.data import LogProbs
from ctcbench.contract.specs import BLANK


def blank_probability(log_probs: LogProbs) -> float:
    """Return the blank's probability, mean over the frames that count (0.0 where there are none)."""
    frames = log_probs.values_NTK.shape[1]
    counted_NT = np.arange(frames) < log_probs.lengths_N[:, np.newaxis]
    blank_M = log_probs.values_NTK[..., BLANK][counted_NT]
    return float(np.exp(blank_M, dtype=np.float64).mean()) if len(blank_M) else 0.0
