"""join_batches(): the log-probabilities of several batches, of different numbers of frames, as one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ctcbench.contract.specs import BLANK

Reading = tuple[NDArray[np.float32], NDArray[np.int64]]
"""values_NTK, the log-probabilities of a batch, and lengths_N, the number of frames of each image."""


def join_batches(parts: Sequence[Reading], rows: Sequence[NDArray[np.int64]] | None = None) -> Reading:
    """Return the log-probabilities of several batches as one.

    Frames after the length of an image are certain blanks.

    Args:
        parts: the batches, at least one.
        rows: the place of each image of each batch in the result; None: one batch after the other.
    """
    ends = np.cumsum([len(lengths_N) for _, lengths_N in parts])
    rows = rows or [np.arange(end - len(part[1]), end) for end, part in zip(ends, parts, strict=True)]
    frames, classes = max(values.shape[1] for values, _ in parts), parts[0][0].shape[2]
    values_NTK = np.zeros((int(ends[-1]), frames, classes), np.float32)
    lengths_N = np.zeros(len(values_NTK), np.int64)
    for (values, lengths), rows_N in zip(parts, rows, strict=True):
        values_NTK[rows_N, : values.shape[1]] = values
        lengths_N[rows_N] = lengths
    padding_NT = np.arange(frames) >= lengths_N[:, None]
    values_NTK[padding_NT] = -np.inf
    values_NTK[padding_NT, BLANK] = 0.0
    return values_NTK, lengths_N
