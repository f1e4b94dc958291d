"""store_familiarity(): the statistics of a run's training images, with which pictures are compared later."""

from __future__ import annotations

import numpy as np

from ctcbench.evaluation.familiarity import MOST_IMAGES, fit_familiarity
from ctcbench.pipeline.run_context import RunContext
from ctcbench.results.stored_familiarity import familiarity_path, write_familiarity


def store_familiarity(context: RunContext) -> None:
    """Store the distribution of the statistics of a thousand training images, unless it is stored.

    Too few images have none.
    """
    if context.folder.has(familiarity_path(context.folder)):
        return
    samples = context.samples["train"]
    rows = np.linspace(0, len(samples) - 1, min(len(samples), MOST_IMAGES), dtype=np.int64)
    images = [samples.images_NCHW[int(row)][..., : samples.widths_N[row]] for row in rows]
    if (familiarity := fit_familiarity(images)) is not None:
        write_familiarity(context.folder, familiarity)
