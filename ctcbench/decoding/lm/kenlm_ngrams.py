"""The n-grams of a model of KenLM's Python module, found by queries, because it does not list them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import islice
from typing import Any

import numpy as np

from ..user_errors import InputError
from .ngram_model import NgramLevel, NgramModel

MOST_QUERIES = 100_000_000  # one to two minutes
_MOST_OTHER_WORDS = 20  # that are tried for the backoff weight of one context
_LN_10 = math.log(10)
_ROOT = 0  # the n-gram without words


class KenlmNgrams:
    """The n-grams of a `kenlm.Model`, found by queries for the probabilities of words after contexts.

    With each probability KenLM returns the length of the n-gram that it belongs to. So an n-gram is in the
    model if the query for its last word after its context returns its length. KenLM adds missing suffixes:
    if an n-gram is in the model, so is the n-gram without its first word. So the only words to try after a
    context are those that follow its longest suffix that is a context itself.
    """

    def __init__(self, kenlm: Any, path: str, words: Sequence[str]) -> None:
        """Load the model.

        Args:
            kenlm: the module.
            path: the binary file.
            words: its vocabulary in the order of KenLM's indices.

        Raises:
            OSError: KenLM refuses the file.
        """
        config = kenlm.Config()
        # Not mapped: a mapped file that becomes shorter would end the process (SIGBUS).
        config.load_method = kenlm.LoadMethod.READ
        self._model = kenlm.Model(path, config)
        self._new_state = kenlm.State
        self._vocabulary = words
        self._queries = 0
        root = self._new_state()
        self._model.NullContextWrite(root)
        # All n-grams in the order of their lengths, of their contexts, and of their last words.
        self._contexts = [_ROOT]
        self._words = [-1]
        self._log_probs = [0.0]  # to base 10, as the backoff weights
        self._log_backoffs = [0.0]
        # The longest proper suffix that is a context. Words that follow an n-gram follow its suffix too.
        self._suffixes = [_ROOT]
        # An n-gram with weight 1 that begins no longer one is no context: its state is its suffix's.
        self._states = [root]
        # The n-grams whose context is this one.
        self._children = [range(1, len(words) + 1)]

    def model(self) -> NgramModel:
        """Return the model.

        Raises:
            InputError: it takes more than a hundred million queries, or a number in the file is no logarithm
                of a probability or of a weight.
        """
        for word, text in enumerate(self._vocabulary):
            state = self._new_state()
            scored = self._model.BaseFullScore(self._states[_ROOT], text, state)
            self._append(_ROOT, word, scored.log_prob, _ROOT, state)
        levels = [range(1, len(self._words))]
        for order in range(2, self._model.order + 1):
            self._check_queries(levels[-1], order)
            for context in levels[-1]:
                self._extend(context, order)
            levels.append(range(levels[-1].stop, len(self._words)))
        before = [range(1), *levels]
        return NgramModel(tuple(self._vocabulary), tuple(map(self._level, levels, before)))

    def _append(self, context: int, word: int, log_prob: float, suffix: int, state: Any) -> None:
        self._contexts.append(context)
        self._words.append(word)
        self._log_probs.append(log_prob)
        self._log_backoffs.append(0.0)
        self._suffixes.append(suffix)
        # Most n-grams are no contexts; one state for all of these saves memory.
        self._states.append(self._states[suffix] if state == self._states[suffix] else state)
        self._children.append(range(0))

    def _is_context(self, ngram: int) -> bool:
        return self._states[ngram] is not self._states[self._suffixes[ngram]]

    def _followers(self, context: int) -> range:
        """Return the n-grams whose last words may follow a context."""
        return self._children[self._suffixes[context]]

    def _check_queries(self, level: range, order: int) -> None:
        self._queries += sum(len(self._followers(context)) for context in level if self._is_context(context))
        if self._queries > MOST_QUERIES:
            raise InputError(
                f"to find its {order}-grams takes {self._queries:,} queries of KenLM; at most "
                f"{MOST_QUERIES:,} are made; give the ARPA file that it was made from"
            )

    def _extend(self, context: int, order: int) -> None:
        """Find the n-grams with a context, which are of an order, and the backoff weight of the context."""
        if not self._is_context(context):
            return
        before, first = self._states[context], len(self._words)
        # Log-probabilities of one word: after the context, and after the suffix of the context.
        backed_off, after_suffix = -math.inf, 0.0
        state = self._new_state()
        # Millions of iterations: local names are faster than attributes.
        score, words, vocabulary = self._model.BaseFullScore, self._words, self._vocabulary
        for suffix in self._followers(context):
            scored = score(before, vocabulary[words[suffix]], state)
            if scored.ngram_length == order:
                nearest = suffix if self._is_context(suffix) else self._suffixes[suffix]
                self._append(context, words[suffix], scored.log_prob, nearest, state)
                state = self._new_state()
            elif scored.log_prob > backed_off:  # the highest has the smallest rounding error
                backed_off, after_suffix = scored.log_prob, self._log_probs[suffix]
        self._children[context] = range(first, len(self._words))
        if backed_off == -math.inf:
            backed_off, after_suffix = max(self._other_words(context, state), default=(0.0, 0.0))
        self._log_backoffs[context] = backed_off - after_suffix

    def _other_words(self, context: int, state: Any) -> list[tuple[float, float]]:
        """Return log-probabilities after a context and after its suffix, of words that follow neither."""
        before, shorter = self._states[context], self._states[self._suffixes[context]]
        tried = {self._words[suffix] for suffix in self._followers(context)}
        others = (text for word, text in enumerate(self._vocabulary) if word not in tried)
        return [
            (self._model.BaseScore(before, text, state), self._model.BaseScore(shorter, text, state))
            for text in islice(others, _MOST_OTHER_WORDS)
        ]

    def _level(self, ngrams: range, before: range) -> NgramLevel:
        of_level = slice(ngrams.start, ngrams.stop)
        log_probs_G = np.array(self._log_probs[of_level]) * _LN_10
        log_backoffs_G = np.array(self._log_backoffs[of_level]) * _LN_10
        if not (np.isfinite(log_probs_G + log_backoffs_G).all() and (log_probs_G <= 0).all()):
            raise InputError("is damaged: a number in it is no logarithm of a probability or of a weight")
        contexts_G = np.array(self._contexts[of_level], np.int32) - np.int32(before.start)
        return NgramLevel(contexts_G, np.array(self._words[of_level], np.int32), log_probs_G, log_backoffs_G)
