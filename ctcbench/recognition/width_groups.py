"""read_by_width(): images of different widths, read by a network that does not mask their padding."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ctcbench.evaluation.joined_batches import join_batches
from ctcbench.recognition.reader import Reader


def read_by_width(
    reader: Reader, images_NCHW: NDArray[np.uint8], widths_N: NDArray[np.int64]
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return values_NTK and lengths_N; the images of each width are read by themselves, without padding."""
    groups = [np.flatnonzero(widths_N == width) for width in np.unique(widths_N)]
    parts = [
        reader.read(np.ascontiguousarray(images_NCHW[rows_N, :, :, : widths_N[rows_N[0]]]), widths_N[rows_N])
        for rows_N in groups
    ]
    return join_batches(parts, groups)
