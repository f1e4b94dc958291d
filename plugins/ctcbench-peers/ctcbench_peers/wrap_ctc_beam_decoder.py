"""ctc-beam-decoder: the search of pyctcdecode in C++, used without a language model."""

from __future__ import annotations

from collections.abc import Callable

from ctcbench import Alphabet, Hypothesis, LogProbs
from ctcbench_peers.search import characters, peer
from ctcbench_peers.wrap_pyctcdecode import best_of_beams

INSTALL = "pip install ctc-beam-decoder"


def searcher(
    alphabet: Alphabet, width: int, threshold: float, margin: float
) -> Callable[[LogProbs], list[Hypothesis]]:
    """Return the decoder.

    Raises:
        UsageError: the package is not installed, or there are too many classes.
    """
    module = peer("ctc_beam_decoder", "ctc_beam_decoder", INSTALL)
    symbols = ["", *characters("ctc_beam_decoder", alphabet.num_classes)[1:]]  # "" is its blank
    decoder = module.build_ctcdecoder(symbols)
    return best_of_beams(decoder.decode_beams, width, threshold, margin)
