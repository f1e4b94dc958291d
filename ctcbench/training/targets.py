"""encode_targets(): the classes of the texts of a split."""

from __future__ import annotations

from array import array
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ctcbench.contract.specs import Alphabet


def encode_targets(
    texts: Sequence[str], alphabet: Alphabet, *, scored: bool = False
) -> tuple[Tensor, NDArray[np.int64]]:
    """Return the classes of each text, int64 (N, L), padded with 0, and the number of them, int64 (N).

    Args:
        texts: the texts.
        alphabet: classes of the characters.
        scored: whether the texts are only scored: one with characters that the alphabet lacks is allowed
            then, and has no classes.

    Raises:
        UsageError: the alphabet lacks a character of a text that is not only scored.
    """
    # Not a list of lists, which for a million texts would take many times the memory.
    classes, lengths = array("q"), array("q")
    for text in texts:
        labels = () if scored and alphabet.missing(text) else alphabet.encode(text)
        classes.extend(labels)
        lengths.append(len(labels))
    lengths_N = np.array(lengths, np.int64)
    longest = int(lengths_N.max(initial=0))
    targets_NL = np.zeros((len(lengths_N), longest), np.int64)
    targets_NL[np.arange(longest) < lengths_N[:, None]] = np.array(classes, np.int64)
    return torch.from_numpy(targets_NL), lengths_N
