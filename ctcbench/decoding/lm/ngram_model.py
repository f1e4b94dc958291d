"""NgramModel: an n-gram language model with backoff, as arrays."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

START, END, UNKNOWN = "<s>", "</s>", "<unk>"
SPECIAL = (START, END, UNKNOWN)
SPACE = "<space>"
"""The word of a character model that stands for a space, which ARPA files cannot hold as a word."""
LOWEST_LOG_PROB = -100.0 * math.log(10)
"""Natural logarithm of the probability of unknown words in a model without ``<unk>``, as in KenLM."""


class NgramLevel(NamedTuple):
    """The n-grams of one order n, sorted by context and then by word.

    Attributes:
        contexts_G: int32, the first n - 1 words: an index into the previous level; 0 for unigrams.
        words_G: int32, the last word: an index into the vocabulary.
        log_probs_G: float64, natural logarithm of the probability of the word after the context.
        log_backoffs_G: float64, natural logarithm of the backoff weight of the n-gram as a context; 0 for
            the highest order.
    """

    contexts_G: NDArray[np.int32]
    words_G: NDArray[np.int32]
    log_probs_G: NDArray[np.float64]
    log_backoffs_G: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class NgramModel:
    """An n-gram model: the probability of a word depends on at most ``order - 1`` words before it.

    The probability of word w after context h is that of the n-gram hw if the model has it. Else it is the
    backoff weight of h (1 for a context that the model lacks) times the probability of w after h without its
    first word (Katz 1987).

    Attributes:
        words: the vocabulary, each word once. ``<s>`` begins each text, ``</s>`` ends it, ``<unk>`` stands
            for all words that are not in the vocabulary.
        levels: the n-grams of each order from 1. The unigrams are the vocabulary in its order.
    """

    words: tuple[str, ...]
    levels: tuple[NgramLevel, ...]

    def __post_init__(self) -> None:
        assert self.levels and len(self.levels[0].words_G) == len(self.words)
        for level, below in zip(self.levels[1:], self.levels, strict=False):
            keys_G = sort_keys(level.contexts_G, level.words_G, len(self.words))
            assert np.all(keys_G[1:] > keys_G[:-1])
            assert level.contexts_G.max(initial=-1) < len(below.words_G)

    @property
    def order(self) -> int:
        """The largest number of words of an n-gram."""
        return len(self.levels)

    @property
    def sizes(self) -> tuple[int, ...]:
        """The number of n-grams of each order, from 1."""
        return tuple(len(level.words_G) for level in self.levels)

    @cached_property
    def index_of(self) -> dict[str, int]:
        """The index of each word of the vocabulary."""
        return {word: index for index, word in enumerate(self.words)}


def sort_keys(
    contexts_G: NDArray[np.int32], words_G: NDArray[np.int32], vocabulary: int
) -> NDArray[np.int64]:
    """Return a number for each n-gram of one order, by which a level is sorted."""
    return contexts_G.astype(np.int64) * vocabulary + words_G
