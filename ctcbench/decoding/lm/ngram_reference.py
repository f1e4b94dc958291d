"""A slow and simple evaluation of n-gram models in Python, which the tests compare the C++ code with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from .ngram_model import END, LOWEST_LOG_PROB, START, UNKNOWN, NgramModel

Ngram = tuple[str, ...]


class WordScore(NamedTuple):
    """The natural logarithm of the probability of one word of a text, and whether the model knows it."""

    word: str
    log_prob: float
    known: bool


@lru_cache(maxsize=4)
def ngram_tables(model: NgramModel) -> tuple[dict[Ngram, float], dict[Ngram, float]]:
    """Return the log-probability and the logarithm of the backoff weight of each n-gram by its words."""
    log_probs: dict[Ngram, float] = {}
    log_backoffs: dict[Ngram, float] = {}
    below: list[Ngram] = [()]
    for level in model.levels:
        ngrams = [
            (*below[context], model.words[word])
            for context, word in zip(level.contexts_G.tolist(), level.words_G.tolist(), strict=True)
        ]
        log_probs.update(zip(ngrams, level.log_probs_G.tolist(), strict=True))
        log_backoffs.update(zip(ngrams, level.log_backoffs_G.tolist(), strict=True))
        below = ngrams
    return log_probs, log_backoffs


def word_log_prob(model: NgramModel, context: Ngram, word: str) -> float:
    """Return ln p(word | context) by the definition of `NgramModel`."""
    log_probs, log_backoffs = ngram_tables(model)
    context = context[max(0, len(context) - model.order + 1) :]
    total = 0.0
    while True:
        if (*context, word) in log_probs:
            return total + log_probs[*context, word]
        if not context:
            return total + LOWEST_LOG_PROB
        total += log_backoffs.get(context, 0.0)
        context = context[1:]


def score_words(model: NgramModel, words: Sequence[str]) -> Iterator[WordScore]:
    """Yield the score of each word of a text and of the text's end, if the model has ``</s>``.

    Words that the model lacks are scored as ``<unk>``, also in the contexts of the words after them.
    """
    ended = [*words, END] if END in model.index_of else words
    context: Ngram = (START,)
    for word in ended:
        known = word if word in model.index_of else UNKNOWN
        yield WordScore(word, word_log_prob(model, context, known), word == known)
        context = (*context, known)[-model.order :]
