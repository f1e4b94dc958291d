"""Characters of texts that an alphabet lacks: how often each occurs, and how messages list them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from ctcbench.contract.specs import Alphabet
from ctcbench.contract.word_lists import join_words
from ctcbench.files.text import quoted_character

_LISTED = 10  # characters that a message names


def count_lacking(texts: Iterable[str], alphabet: Alphabet) -> tuple[Counter[str], int]:
    """Return how often each character that the alphabet lacks occurs, and how many texts have one.

    Args:
        texts: as `spelling.spell` returns them for this alphabet.
        alphabet: the alphabet, which divides the texts into characters.
    """
    found: Counter[str] = Counter()
    affected = 0
    for text in texts:
        if alphabet.missing(text):
            affected += 1
            found.update(filter(alphabet.missing, alphabet.split(text)))
    return found, affected


def list_occurrences(found: Mapping[str, int]) -> str:
    """Return characters and how often they occur, the most frequent first: ``'é' (twice) and 'x' (once)``."""
    ordered = sorted(found.items(), key=lambda item: (-item[1], item[0]))
    words = [f"{quoted_character(one)} ({_times(count)})" for one, count in ordered[:_LISTED]]
    more = len(ordered) - _LISTED
    return join_words([*words, *([f"{more:,} more"] if more > 0 else [])])


def _times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{count:,} times")
