"""The words of a command, quoted for a shell."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable


def quote_word(word: str) -> str:
    """Return a word as it is typed in a POSIX shell, in the shorter form of single and double quotes."""
    single = shlex.quote(word)
    # Interactive shells replace an exclamation mark within double quotes too, and nothing prevents that.
    if "'" not in word or "!" in word:
        return single
    double = '"' + re.sub(r'([$`"\\])', r"\\\1", word) + '"'
    return min(single, double, key=len)


def join_quoted(words: Iterable[str]) -> str:
    """Return a command of words, each quoted where it must be."""
    return " ".join(map(quote_word, words))
