"""Counts and lists in the words of a sentence."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def counted(number: int, noun: str) -> str:
    """Return ``1 image``, ``2,000 images``: a number and a noun whose plural ends with s."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def with_article(noun: str) -> str:
    """Return ``a head``, ``an optimizer``."""
    return f"{'an' if noun[0] in 'aeio' else 'a'} {noun}"


def join_words(words: Iterable[object], last: str = "and") -> str:
    """Return ``a, b and c``, or an empty text if there are no words; `last` joins the last one."""
    texts = [str(word) for word in words]
    return f" {last} ".join(filter(None, [", ".join(texts[:-1]), *texts[-1:]]))


def first_of(words: Sequence[object], shown: int = 3) -> str:
    """Return ``a, b, c and 5 more``: the first words of a list, and the number of the others."""
    more = f" and {len(words) - shown:,} more" if len(words) > shown else ""
    return ", ".join(map(str, words[:shown])) + more
