"""Which samples of the data sets of a run its rows are, where a data set is repeated or there are two."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ctcbench.contract.data import SplitName
from ctcbench.pipeline.run_context import RunContext


def without_repeats(context: RunContext, split: SplitName, rows_N: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the rows of a split that do not repeat the sample of one of the rows before them."""
    dataset = context.dataset.of_split(split)
    return rows_N[dataset.first_uses(split, context.samples[split].indices()[rows_N])]


def count_by_dataset(context: RunContext, rows_N: NDArray[np.int64]) -> list[dict[str, Any]]:
    """Return a JSON document for each data set that rows of the training images come from.

    It has the component string, the number of the rows, and how many of these are different images.
    """
    indices_N = context.samples["train"].indices()[rows_N]
    parts_N, numbers_N = context.dataset.locate_all("train", indices_N)
    return [
        {
            "dataset": part.text,
            "images": int((parts_N == which).sum()),
            "different": len(np.unique(numbers_N[parts_N == which])),
        }
        for which, part in enumerate(context.dataset.parts)
    ]
