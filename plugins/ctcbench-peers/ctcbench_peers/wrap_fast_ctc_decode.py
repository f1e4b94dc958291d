"""fast-ctc-decode: a prefix beam search in Rust that takes probabilities, not logarithms."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ctcbench import Alphabet, Hypothesis, LogProbs, UsageError
from ctcbench_peers.search import characters, each, labels_of, peer

INSTALL = "pip install fast-ctc-decode"


def searcher(alphabet: Alphabet, width: int, threshold: float) -> Callable[[LogProbs], list[Hypothesis]]:
    """Return the decoder.

    Raises:
        UsageError: the package is not installed, there are too many classes, or the threshold is one that
            the package rejects.
    """
    if threshold >= 1 / alphabet.num_classes:
        raise UsageError(
            f"decoder fast_ctc_decode: threshold={threshold}: with {alphabet.num_classes} classes it must "
            f"be less than {1 / alphabet.num_classes:.4f}, so that one class always remains"
        )
    module = peer("fast_ctc_decode", "fast_ctc_decode", INSTALL)
    symbols = characters("fast_ctc_decode", alphabet.num_classes)

    def search(values_TK: NDArray[np.float32]) -> Hypothesis:
        text, frames = module.beam_search(
            np.exp(values_TK), symbols, beam_size=width, beam_cut_threshold=threshold
        )
        return Hypothesis(labels_of(text), math.nan, tuple(frames))  # it returns no probability

    return each(search)
