"""pyctcdecode: a beam search in Python, used without a language model."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ctcbench import Alphabet, Hypothesis, LogProbs
from ctcbench_peers.search import characters, each, labels_of, peer, quiet

INSTALL = "pip install --no-deps pyctcdecode pygtrie"


def searcher(alphabet: Alphabet, width: int, threshold: float) -> Callable[[LogProbs], list[Hypothesis]]:
    """Return the decoder.

    Raises:
        UsageError: the package is not installed.
    """
    quiet("pyctcdecode")
    module = peer("pyctcdecode", "pyctcdecode", INSTALL)
    symbols = ["", *characters("pyctcdecode", alphabet.num_classes)[1:]]  # "" is its blank
    # False: its classes are characters, not word pieces.
    decoder = module.BeamSearchDecoderCTC(module.Alphabet(symbols, False))
    floor = math.log(threshold) if threshold else -math.inf

    def search(values_TK: NDArray[np.float32]) -> Hypothesis:
        # Its defaults prune classes and entries; only `threshold` does so here.
        best = decoder.decode_beams(
            values_TK, beam_width=width, beam_prune_logp=-math.inf, token_min_logp=floor
        )[0]
        return Hypothesis(labels_of(best[0]), float(best[3]), ())

    return each(search)
