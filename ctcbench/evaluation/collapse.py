"""Signs of a collapsed recogniser: its outputs are empty or all the same, and the blank dominates."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ctcbench.contract.data import LogProbs
from ctcbench.contract.specs import BLANK, Alignment

COLLAPSED_SHARE = 0.99


def has_collapsed(predictions: Sequence[str], targets: Sequence[str]) -> bool:
    """Return whether the recogniser ignores its images.

    It does if at least 99 % of its outputs are empty, or if all of them are the same text although the
    targets differ. A single image with a text that is not empty cannot show a collapse.
    """
    empty = sum(not prediction for prediction in predictions)
    # Not all: a single stray character among thousands of empty outputs is a collapse as well.
    if empty >= COLLAPSED_SHARE * len(predictions):
        return any(targets)
    # One text for all images is right if the targets are all that text.
    return len(set(predictions)) == 1 and len(set(targets)) > 1


def best_paths_collapsed(log_probs: LogProbs, alignment: Alignment) -> bool:
    """Return whether the best paths of log-probabilities show a collapse, by the rules of `has_collapsed`.

    Unlike the texts of a decoder, they do not depend on a constraint or a language model.
    """
    from ctcbench.decoding import greedy_search

    paths = greedy_search(
        log_probs.values_NTK,
        log_probs.lengths_N,
        blank=BLANK,
        merge_repeats=alignment == "ctc",
        frames=False,
    )
    return has_collapsed([log_probs.alphabet.decode(path.labels) for path in paths], log_probs.texts)


def blank_probability(log_probs: LogProbs) -> float:
    """Return the mean probability of the blank over the frames within each image's length.

    0.0 if there are no such frames.
    """
    frames = log_probs.values_NTK.shape[1]
    counted_NT = np.arange(frames) < log_probs.lengths_N[:, np.newaxis]
    blank_M = log_probs.values_NTK[..., BLANK][counted_NT]
    # Summed in float64: float32 loses digits over millions of frames.
    return float(np.exp(blank_M, dtype=np.float64).mean()) if len(blank_M) else 0.0
