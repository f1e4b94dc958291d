"""Writing n-gram models to ARPA files."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from pathlib import Path

from .ngram_model import NgramModel

_LN_10 = math.log(10)


def write_arpa(model: NgramModel, path: str | os.PathLike[str]) -> None:
    """Write an n-gram model to an ARPA file.

    Logarithms have ten significant digits; reading the file returns the same model to that precision.

    Raises:
        OSError: the file can't be written.
    """
    with Path(path).open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(arpa_lines(model))


def arpa_lines(model: NgramModel) -> Iterator[str]:
    """Yield the lines of the ARPA file of a model, each with its end."""
    for line in _lines(model):
        yield f"{line}\n"


def _lines(model: NgramModel) -> Iterator[str]:
    yield "\\data\\"
    yield from (f"ngram {order}={size}" for order, size in enumerate(model.sizes, 1))
    ngrams = [""]
    for order, level in enumerate(model.levels, 1):
        yield ""
        yield f"\\{order}-grams:"
        ngrams = [
            f"{ngrams[context]} {model.words[word]}".lstrip()
            for context, word in zip(level.contexts_G.tolist(), level.words_G.tolist(), strict=True)
        ]
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
