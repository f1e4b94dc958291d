"""Functions that the wrappers share: import of a peer, decoding by sequence, characters for classes."""

from __future__ import annotations

import importlib
import logging
from collections.abc import Callable
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from ctcbench import Hypothesis, LogProbs, UsageError

# Peers that need an alphabet of characters get characters of the private use area, because a space, "▁" and
# "_" have a special meaning in some of them.
_FIRST_CHARACTER = 0xF0000
_MOST_CLASSES = 0x10FFFD - _FIRST_CHARACTER

EMPTY = Hypothesis((), 0.0, ())


def peer(decoder: str, module: str, install: str) -> ModuleType:
    """Import and return the module of a peer.

    Raises:
        UsageError: it cannot be imported; the message has the command that installs it.
    """
    try:
        # By name and when it is used: every peer is optional, and --help lists them all.
        return importlib.import_module(module)
    except (ImportError, OSError) as error:  # OSError: a shared library that does not fit the others
        raise UsageError(f"decoder {decoder}: {module} can't be imported ({error}); {install}") from error


def each(search: Callable[[NDArray[np.float32]], Hypothesis]) -> Callable[[LogProbs], list[Hypothesis]]:
    """Return a decoder that calls `search` for each image, with its valid frames in C order."""

    def decode(read: LogProbs) -> list[Hypothesis]:
        return [
            search(np.ascontiguousarray(values_TK[:length], dtype=np.float32)) if length else EMPTY
            for values_TK, length in zip(read.values_NTK, read.lengths_N.tolist(), strict=True)
        ]

    return decode


def characters(decoder: str, num_classes: int) -> list[str]:
    """Return one character for each class, the blank included.

    Raises:
        UsageError: there are more classes than characters.
    """
    if num_classes > _MOST_CLASSES:
        raise UsageError(f"decoder {decoder}: {num_classes} classes; at most {_MOST_CLASSES} are supported")
    return [chr(_FIRST_CHARACTER + label) for label in range(num_classes)]


def labels_of(text: str) -> tuple[int, ...]:
    """Return the classes of a text made of the characters of `characters`."""
    return tuple(ord(character) - _FIRST_CHARACTER for character in text)


def quiet(name: str) -> None:
    """Disable warnings of a peer's logger, which are about language models and spaces."""
    logging.getLogger(name).setLevel(logging.ERROR)
