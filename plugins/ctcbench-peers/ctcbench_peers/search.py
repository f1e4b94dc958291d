"""What the wrappers share: the peer's module, a sequence at a time, characters that stand for classes."""

from __future__ import annotations

import importlib
import logging
from collections.abc import Callable
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from ctcbench import Hypothesis, LogProbs, UsageError

# Peers that take an alphabet of characters get private ones: a space, "▁" or "_" would mean something there.
_FIRST_CHARACTER = 0xF0000
_MOST_CLASSES = 0x10FFFD - _FIRST_CHARACTER

NOTHING = Hypothesis((), 0.0, ())


def peer(decoder: str, module: str, install: str) -> ModuleType:
    """Return a peer's module.

    Raises:
        UsageError: it is not installed, or does not load; says what to type.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise UsageError(f"decoder {decoder}: {module} can't be imported ({error}); {install}") from error


def each(search: Callable[[NDArray[np.float32]], Hypothesis]) -> Callable[[LogProbs], list[Hypothesis]]:
    """Return a decoder that searches image by image, in the frames that count, copied in C order."""

    def decode(read: LogProbs) -> list[Hypothesis]:
        return [
            search(np.ascontiguousarray(values_TK[:length], dtype=np.float32)) if length else NOTHING
            for values_TK, length in zip(read.values_NTK, read.lengths_N.tolist(), strict=True)
        ]

    return decode


def characters(decoder: str, num_classes: int) -> list[str]:
    """Return a character for each class; the blank's is given away too.

    Raises:
        UsageError: there are not so many characters.
    """
    if num_classes > _MOST_CLASSES:
        raise UsageError(f"decoder {decoder}: {num_classes} classes; it can tell {_MOST_CLASSES} apart")
    return [chr(_FIRST_CHARACTER + label) for label in range(num_classes)]


def labels_of(text: str) -> tuple[int, ...]:
    """Return the classes that a text of private characters stands for."""
    return tuple(ord(character) - _FIRST_CHARACTER for character in text)


def quiet(name: str) -> None:
    """Silence a peer's logger: it warns of language models and spaces that are not wanted here."""
    logging.getLogger(name).setLevel(logging.ERROR)
