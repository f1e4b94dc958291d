"""How much of its time a recogniser spends on the blank, from its log-probs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ctcbench.contract.data import LogProbs
from ctcbench.contract.specs import BLANK


def blank_probability(log_probs: LogProbs) -> float:
    """Return the blank's probability, mean over the frames that count (0.0 where there are none)."""
    counted_NT = _counted(log_probs)
    blank_M = log_probs.values_NTK[..., BLANK][counted_NT]
    return float(np.exp(blank_M, dtype=np.float64).mean()) if len(blank_M) else 0.0


def blank_frames(log_probs: LogProbs) -> float:
    """Return the share of the frames that count whose likeliest class is the blank (0.0 where none count)."""
    counted_NT = _counted(log_probs)
    winners_M = log_probs.values_NTK.argmax(axis=2)[counted_NT]
    return float((winners_M == BLANK).mean()) if len(winners_M) else 0.0


def _counted(log_probs: LogProbs) -> NDArray[np.bool_]:
    frames = log_probs.values_NTK.shape[1]
    counted_NT: NDArray[np.bool_] = np.arange(frames) < log_probs.lengths_N[:, np.newaxis]
    return counted_NT
