"""pyctcdecode: a beam search in Python, used without a language model."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ctcbench import Alphabet, Hypothesis, LogProbs
from ctcbench_peers.search import characters, each, labels_of, peer, quiet

INSTALL = "pip install --no-deps pyctcdecode pygtrie"


def searcher(
    alphabet: Alphabet, width: int, threshold: float, margin: float
) -> Callable[[LogProbs], list[Hypothesis]]:
    """Return the decoder.

    Raises:
        UsageError: the package is not installed.
    """
    quiet("pyctcdecode")
    module = peer("pyctcdecode", "pyctcdecode", INSTALL)
    symbols = ["", *characters("pyctcdecode", alphabet.num_classes)[1:]]  # "" is its blank
    # False: its classes are characters, not word pieces.
    decoder = module.BeamSearchDecoderCTC(module.Alphabet(symbols, False))
    return best_of_beams(decoder.decode_beams, width, threshold, margin)


def best_of_beams(
    decode_beams: Callable[..., Any], width: int, threshold: float, margin: float
) -> Callable[[LogProbs], list[Hypothesis]]:
    """Return a decoder that calls `decode_beams`, the interface of pyctcdecode and ctc-beam-decoder."""
    # Their defaults prune classes and entries; only `threshold` and `margin` do so here.
    floor = math.log(threshold) if threshold else -math.inf
    distance = -margin if margin else -math.inf

    def search(values_TK: NDArray[np.float32]) -> Hypothesis:
        best = decode_beams(values_TK, beam_width=width, beam_prune_logp=distance, token_min_logp=floor)[0]
        return Hypothesis(labels_of(best[0]), float(best[3]), ())

    return each(search)
