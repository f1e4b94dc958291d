"""Samples of images of one level each, for the tests of this folder."""

from __future__ import annotations

import numpy as np

from ctcbench.contract.data import Samples
from ctcbench.contract.ragged_images import RaggedImages


def make_samples(levels, texts, widths=None, ragged=False):
    """Return a sample for each level and text, of 4 rows; ragged: without padding."""
    widths = widths or [8] * len(levels)
    images = [
        np.full((1, 4, width if ragged else 8), level, np.uint8)
        for level, width in zip(levels, widths, strict=True)
    ]
    stacked = RaggedImages.of(images) if ragged else np.stack(images)
    names = tuple(f"n{i}" for i in range(len(levels)))
    return Samples(stacked, np.array(widths, np.int32), tuple(texts), names, "")
