"""Synthetic log-probabilities for the rules of losses and decoders, confident of a text or of none."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ctcbench.contract.data import LogProbs
from ctcbench.contract.specs import BLANK, Alignment, Alphabet
from ctcbench.decoding.softmax import log_softmax

SURE = 12.0  # logits above the others: a probability of 0.9999 among 17 classes


def texts_for(alphabet: Alphabet) -> tuple[str, ...]:
    """Return four texts of an alphabet: an ordinary one, one doubled, one character, and a long one."""
    # Repeated, so that an alphabet of one or two characters has three as well.
    a, b, c = list(alphabet.characters * 3)[:3]
    return (a + b + c, a + a + b, c, b + a + b + a)


def confident_of(
    alphabet: Alphabet, texts: Sequence[str], frames: int, alignment: Alignment = "ctc"
) -> LogProbs:
    """Return log-probabilities whose best path is each text: character i at frame 2i + 1, blanks between.

    With the alignment ``fixed`` character i is at frame i, and the blanks are behind them.
    """
    logits_NTK = np.zeros((len(texts), frames, alphabet.num_classes))
    for n, text in enumerate(texts):
        path = [BLANK] * frames
        if alignment == "fixed":
            path[: len(text)] = alphabet.encode(text)
        else:
            # With CTC, a blank must separate equal characters.
            path[1 : 2 * len(text) : 2] = alphabet.encode(text)
        logits_NTK[n, range(frames), path] = SURE
    return _as_log_probs(logits_NTK, texts, alphabet)


def uncertain(alphabet: Alphabet, count: int, frames: int, seed: int = 0) -> LogProbs:
    """Return log-probabilities of random logits: no frame is confident of a class."""
    logits_NTK = np.random.default_rng(seed).normal(0, 2, (count, frames, alphabet.num_classes))
    return _as_log_probs(logits_NTK, ("",) * count, alphabet)


def with_lengths(read: LogProbs, lengths: Sequence[int]) -> LogProbs:
    """Return log-probabilities of which only the first frames of each image count."""
    return LogProbs(read.values_NTK, np.array(lengths, np.int64), read.texts, read.alphabet)


def part(read: LogProbs, start: int, stop: int, frames: int | None = None) -> LogProbs:
    """Return images `start` to `stop`, cut to the first `frames` frames."""
    # Decoders may rely on C order, which stored log-probabilities have.
    values_NTK = np.ascontiguousarray(read.values_NTK[start:stop, :frames])
    lengths_N = np.minimum(read.lengths_N[start:stop], values_NTK.shape[1])
    return LogProbs(values_NTK, lengths_N, read.texts[start:stop], read.alphabet)


def _as_log_probs(logits_NTK: NDArray[np.float64], texts: Sequence[str], alphabet: Alphabet) -> LogProbs:
    count, frames, _ = logits_NTK.shape
    lengths_N = np.full(count, frames, np.int64)
    # Normalised in float64: in float32 the probabilities of a frame may sum to slightly more than 1.
    return LogProbs(log_softmax(logits_NTK).astype(np.float32), lengths_N, tuple(texts), alphabet)
