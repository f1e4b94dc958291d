"""flashlight-text: the beam search of wav2letter and torchaudio, without lexicon and language model."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ctcbench import BLANK, Alphabet, Hypothesis, LogProbs
from ctcbench_peers.search import each, peer

INSTALL = "pip install flashlight-text"
_NO_SILENCE = -1


def searcher(alphabet: Alphabet, width: int, threshold: float) -> Callable[[LogProbs], list[Hypothesis]]:
    """Return the decoder.

    Raises:
        UsageError: the package is not installed.
    """
    module = peer("flashlight", "flashlight.lib.text.decoder", INSTALL)
    options = module.LexiconFreeDecoderOptions(
        beam_size=width,
        # Every class in each frame: a smaller number prunes the search.
        beam_size_token=alphabet.num_classes,
        beam_threshold=threshold or math.inf,
        lm_weight=0.0,
        # No silence and no language model: the score is that of CTC alone.
        sil_score=0.0,
        log_add=True,
        criterion_type=module.CriterionType.CTC,
    )
    decoder = module.LexiconFreeDecoder(options, module.ZeroLM(), _NO_SILENCE, BLANK, [])

    def search(values_TK: NDArray[np.float32]) -> Hypothesis:
        frames, classes = values_TK.shape
        best = decoder.decode(values_TK.ctypes.data, frames, classes)[0]  # takes an address: C order, float32
        return read_path(best.tokens[1:-1], best.score)  # without the silence that it adds at each end

    return each(search)


def read_path(path: list[int], log_prob: float) -> Hypothesis:
    """Return the labelling of an alignment, with the first frame of each label's run."""
    starts = [
        (label, frame)
        for frame, (label, before) in enumerate(zip(path, [BLANK, *path], strict=False))
        if label not in (BLANK, before)
    ]
    return Hypothesis(tuple(label for label, _ in starts), log_prob, tuple(frame for _, frame in starts))
