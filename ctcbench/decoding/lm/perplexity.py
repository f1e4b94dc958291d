"""The perplexity of texts under an n-gram model."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from .ngram_model import NgramModel
from .ngram_reference import score_words


class Perplexity(NamedTuple):
    """How well a model predicts texts.

    Attributes:
        texts: number of texts.
        words: number of their words, with the end of each text.
        unknown: number of words that the model lacks; they are scored as ``<unk>``.
        log_prob: natural logarithm of the probability of all texts.
    """

    texts: int
    words: int
    unknown: int
    log_prob: float

    @property
    def perplexity(self) -> float:
        """The inverse of the geometric mean of the words' probabilities; 1 without a word."""
        # Above this exp() overflows: a model without <unk> gives unknown words next to no probability.
        return math.exp(min(700.0, -self.log_prob / self.words)) if self.words else 1.0


def measure_perplexity(model: NgramModel, texts: Iterable[Sequence[str]]) -> Perplexity:
    """Return the perplexity of texts, each a sequence of words of the model."""
    count, log_probs, unknown = 0, [], 0
    for text in texts:
        scores = list(score_words(model, text))
        count += 1
        unknown += sum(not score.known for score in scores)
        log_probs += [score.log_prob for score in scores]
    return Perplexity(count, len(log_probs), unknown, math.fsum(log_probs))
