"""torchaudio: its `ctc_decoder`, a Python interface of flashlight-text for tensors, without a lexicon."""

from __future__ import annotations

import math
from collections.abc import Callable

from ctcbench import BLANK, Alphabet, Hypothesis, LogProbs
from ctcbench_peers.search import characters, peer

INSTALL = "pip install torchaudio flashlight-text, of the release that fits the installed torch"


def searcher(
    alphabet: Alphabet, width: int, threshold: float, *, log_add: bool
) -> Callable[[LogProbs], list[Hypothesis]]:
    """Return the decoder.

    Raises:
        UsageError: a package is not installed, or there are too many classes.
    """
    torch = peer("torchaudio", "torch", INSTALL)
    peer("torchaudio", "flashlight.lib.text.decoder", INSTALL)
    module = peer("torchaudio", "torchaudio.models.decoder", INSTALL)
    symbols = characters("torchaudio", alphabet.num_classes)
    decoder = module.ctc_decoder(
        lexicon=None,
        tokens=symbols,
        beam_size=width,
        beam_threshold=threshold or math.inf,
        lm_weight=0.0,
        log_add=log_add,
        blank_token=symbols[BLANK],
        # It puts a silence at both ends of the alignment. As a blank it does not reach the labelling.
        sil_token=symbols[BLANK],
    )

    def decode(read: LogProbs) -> list[Hypothesis]:
        found = decoder(torch.tensor(read.values_NTK, dtype=torch.float32), torch.tensor(read.lengths_N))
        return [_hypothesis(best) for [best, *_] in found]

    return decode


def _hypothesis(best: object) -> Hypothesis:
    # Its frames count the silence before the first one.
    frames = tuple(frame - 1 for frame in best.timesteps.tolist())
    return Hypothesis(tuple(best.tokens.tolist()), float(best.score), frames)
