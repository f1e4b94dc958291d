"""Estimation of n-gram models: interpolated modified Kneser-Ney smoothing (Chen and Goodman 1999)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..scalars import check_integer, shown
from ..user_errors import InputError
from .arpa_parser import HIGHEST_ORDER
from .ngram_model import (
    END,
    SPECIAL,
    START,
    NgramLevel,
    NgramModel,
)

FALLBACK = (0.5, 1.0, 1.5)
"""Discounts of an order whose counts do not determine them, as ``--discount_fallback`` of KenLM."""
_START_LOG_PROB = -99.0 * np.log(10)  # by convention: <s> is never predicted


class Discounts(NamedTuple):
    """The discounts of one order: of n-grams with count 1, with count 2, and with higher counts.

    Attributes:
        estimated: whether they follow from the counts; else they are `FALLBACK`.
    """

    one: float
    two: float
    more: float
    estimated: bool


@dataclass(frozen=True, eq=False)
class KneserNeyModel:
    """An estimated model, and the discounts of each order from 1."""

    model: NgramModel
    discounts: tuple[Discounts, ...]


class _Counts(NamedTuple):
    """The n-grams of one order, sorted as in `NgramLevel`, with their adjusted counts.

    Attributes:
        suffixes_G: the n-gram without its first word, an index into the previous order.
        counts_G: how often the n-gram occurs. Below the highest order: the number of different words before
            it (Kneser and Ney 1995), except where it begins with ``<s>``, which no word precedes.
    """

    contexts_G: NDArray[np.int64]
    words_G: NDArray[np.int64]
    suffixes_G: NDArray[np.int64]
    counts_G: NDArray[np.int64]


def train_kneser_ney(
    texts: Iterable[Iterable[str]], order: int, vocabulary: Collection[str] = ()
) -> KneserNeyModel:
    """Estimate an n-gram model with interpolated modified Kneser-Ney smoothing (Chen and Goodman 1999).

    Each text counts with ``<s>`` before and ``</s>`` behind it. The probability of word w after context h is

        p(w | h) = (c(hw) - D(c(hw))) / c(h) + g(h) p(w | h')

    where h' is h without its first word, c(h) the sum of c(hw) over all w, and g(h) what the discounts D
    leave over. Unigrams are interpolated with the uniform distribution over all words except ``<s>``. The
    discounts follow from the numbers n1 to n4 of n-grams with these counts (Chen and Goodman, eq. 26): with
    Y = n1 / (n1 + 2 n2) they are 1 - 2Y n2/n1, 2 - 3Y n3/n2 and 3 - 4Y n4/n3. Where one of them is undefined
    or not between 0 and its count, the order has `FALLBACK`, as usual for small corpora.

    Args:
        texts: the words of each text; for a model of characters, its characters.
        order: the largest number of words of an n-gram, from 1 to 10.
        vocabulary: words that the model shall know in addition to those of the texts.

    Raises:
        TypeError: the order is no whole number.
        InputError: there are no texts, they are one text or no list, a text has ``<s>``, ``</s>`` or
            ``<unk>`` as a word, or a word is empty or no text.
        ValueError: the order is out of range.
    """
    order = check_integer("order", order, low=1, high=HIGHEST_ORDER)
    # The characters of one text would be texts.
    if isinstance(texts, str) or not isinstance(texts, Iterable):
        raise InputError(f"texts are {shown(texts)}; they must be a list of texts")
    index_of = {word: index for index, word in enumerate(SPECIAL)}
    tokens: list[int] = []
    places: list[int] = []  # of each token in its text
    for number, text in enumerate(texts, 1):
        if not isinstance(text, Iterable):
            raise InputError(f"text {number:,} of the corpus is {shown(text)}; it must be a list of words")
        words = list(text)  # an iterator can be read once
        if taken := sorted({*SPECIAL} & {*words}):
            raise InputError(
                f"a text of the corpus contains the word {taken[0]!r}, which has a special meaning; "
                f"remove or replace {', '.join(SPECIAL)}"
            )
        indices = [index_of.setdefault(word, len(index_of)) for word in words]
        tokens += [index_of[START], *indices, index_of[END]]
        places += range(len(indices) + 2)
    if not tokens:
        raise InputError("the corpus is empty: a language model needs at least one text")
    for word in vocabulary:
        index_of.setdefault(word, len(index_of))
    if wrong := [word for word in index_of if not isinstance(word, str)]:
        raise InputError(f"the corpus or the vocabulary has the word {shown(wrong[0])}; it must be a string")
    if "" in index_of:
        raise InputError("the corpus or the vocabulary has an empty word; leave out empty words")
    counts = _adjusted_counts(np.array(tokens), np.array(places), order, len(index_of))
    discounts = tuple(_discounts(level.counts_G) for level in counts)
    return KneserNeyModel(NgramModel(tuple(index_of), _levels(counts, discounts)), discounts)


def _adjusted_counts(
    tokens_L: NDArray[np.int64], places_L: NDArray[np.int64], order: int, vocabulary: int
) -> list[_Counts]:
    """Return the counts of each order. L is the number of tokens of the corpus."""
    # nodes_L[i] is the n-gram that ends at token i, where the text is long enough for one.
    nodes_L = tokens_L.copy()
    words_V = np.arange(vocabulary)
    levels = [
        _Counts(
            np.zeros_like(words_V),
            words_V,
            np.zeros_like(words_V),
            np.bincount(tokens_L, minlength=vocabulary),
        )
    ]
    begins_V = words_V == SPECIAL.index(START)
    for n in range(2, order + 1):
        ends = np.flatnonzero(places_L >= n - 1)
        keys, first, inverse, counts_G = np.unique(
            nodes_L[ends - 1] * vocabulary + tokens_L[ends],
            return_index=True,
            return_inverse=True,
            return_counts=True,
        )
        suffixes_G = nodes_L[ends[first]]
        level = _Counts(keys // vocabulary, keys % vocabulary, suffixes_G, counts_G)
        # The counts of the order below become numbers of different words before, now that they are known.
        below = levels[-1]
        preceded_G = np.bincount(suffixes_G, minlength=len(below.counts_G))
        levels[-1] = below._replace(counts_G=np.where(begins_V, below.counts_G, preceded_G))
        begins_V = begins_V[level.contexts_G]
        levels.append(level)
        nodes_L = np.zeros_like(nodes_L)
        nodes_L[ends] = inverse
    # <s> begins each text, but no model predicts it.
    levels[0].counts_G[SPECIAL.index(START)] = 0
    return levels


def _discounts(counts_G: NDArray[np.int64]) -> Discounts:
    n = np.bincount(np.clip(counts_G, 0, 5), minlength=6).tolist()
    if all(n[1:5]):
        y = n[1] / (n[1] + 2 * n[2])
        one, two, more = (k - (k + 1) * y * n[k + 1] / n[k] for k in (1, 2, 3))
        if 0 < one <= 1 and 0 < two <= 2 and 0 < more <= 3:
            return Discounts(one, two, more, True)
    return Discounts(*FALLBACK, False)


def _levels(counts: Sequence[_Counts], discounts: Sequence[Discounts]) -> tuple[NgramLevel, ...]:
    predicted = len(counts[0].words_G) - 1  # all words but <s>
    lower_G = np.full(len(counts[0].words_G), 1 / predicted)
    probs: list[NDArray[np.float64]] = []
    backoffs: list[NDArray[np.float64]] = []
    for level, discount in zip(counts, discounts, strict=True):
        by_count = np.array([0.0, discount.one, discount.two, discount.more])
        discounts_G = by_count[np.minimum(level.counts_G, 3)]
        contexts = len(probs[-1]) if probs else 1
        totals = np.bincount(level.contexts_G, level.counts_G, minlength=contexts)
        left = np.bincount(level.contexts_G, discounts_G, minlength=contexts)
        # A context that no word follows has backoff weight 1.
        weights = np.divide(left, totals, out=np.ones(contexts), where=totals > 0)
        own_G = (level.counts_G - discounts_G) / totals[level.contexts_G]
        lower_G = lower_G if not probs else probs[-1][level.suffixes_G]
        probs.append(own_G + weights[level.contexts_G] * lower_G)
        backoffs.append(weights)
    log_probs = [np.log(values) for values in probs]
    log_probs[0][SPECIAL.index(START)] = _START_LOG_PROB
    # The weight of order n belongs to its contexts, which are n-grams of order n - 1.
    highest = np.ones(len(probs[-1]))
    return tuple(
        NgramLevel(
            level.contexts_G.astype(np.int32), level.words_G.astype(np.int32), log_probs_G, np.log(weights)
        )
        for level, log_probs_G, weights in zip(counts, log_probs, [*backoffs[1:], highest], strict=True)
    )
