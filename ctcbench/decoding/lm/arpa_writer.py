"""Writing n-gram models to ARPA files."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from pathlib import Path

from ..scalars import shown
from ..user_errors import InputError
from .ngram_model import NgramModel

_LN_10 = math.log(10)
_SEPARATORS = frozenset(" \t\n\r\v\f\0")  # those of KenLM, whose files these are
_SURROGATES = frozenset(map(chr, range(0xD800, 0xE000)))


def write_arpa(model: NgramModel, path: str | os.PathLike[str]) -> None:
    """Write an n-gram model to an ARPA file.

    Logarithms have ten significant digits; reading the file returns the same model to that precision.

    Raises:
        TypeError: `model` is no n-gram model.
        InputError: a word can't be in an ARPA file; the file is not written.
        OSError: the file can't be written.
    """
    if not isinstance(model, NgramModel):
        raise TypeError(
            f"model is {shown(model)}; it must be an NgramModel, such as the `model` of what "
            "train_kneser_ney returns"
        )
    lines = arpa_lines(model)
    with Path(path).open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(lines)


def arpa_lines(model: NgramModel) -> Iterator[str]:
    """Return the lines of the ARPA file of a model, each with its end.

    Raises:
        InputError: a word can't be in an ARPA file: it is empty, or contains white space of ASCII, a NUL or
            a lone surrogate.
    """
    for word in model.words:
        if not word or not _SEPARATORS.isdisjoint(word):
            raise InputError(
                f"an ARPA file can't contain the word {shown(word)}, because white space separates its "
                "words; replace it in the texts"
            )
        if not _SURROGATES.isdisjoint(word):
            raise InputError(
                f"an ARPA file can't contain the word {shown(word)}, because a lone surrogate has no form in "
                "UTF-8; replace it in the texts"
            )
    return (f"{line}\n" for line in _lines(model))


def _lines(model: NgramModel) -> Iterator[str]:
    yield "\\data\\"
    yield from (f"ngram {order}={size}" for order, size in enumerate(model.sizes, 1))
    ngrams: list[str] = []
    for order, level in enumerate(model.levels, 1):
        yield ""
        yield f"\\{order}-grams:"
        words = [model.words[word] for word in level.words_G.tolist()]
        if order > 1:
            contexts = level.contexts_G.tolist()
            words = [f"{ngrams[context]} {word}" for context, word in zip(contexts, words, strict=True)]
        ngrams = words
        logs = zip(level.log_probs_G.tolist(), level.log_backoffs_G.tolist(), strict=True)
        for ngram, (log_prob, log_backoff) in zip(ngrams, logs, strict=True):
            # The highest order has none, and 0 is what a missing one means.
            backoff = f"\t{_base_10(log_backoff)}" if log_backoff else ""
            yield f"{_base_10(log_prob)}\t{ngram}{backoff}"
    yield ""
    yield "\\end\\"


def _base_10(logarithm: float) -> str:
    # Adding 0.0 turns -0.0 into 0.0.
    return f"{logarithm / _LN_10 + 0.0:.10g}"
