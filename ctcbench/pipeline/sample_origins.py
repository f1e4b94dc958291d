"""Which samples of the data sets of a run its rows are, where a data set is repeated or there are two."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ctcbench.contract.data import SplitName
from ctcbench.pipeline.run_context import RunContext


def without_repeats(context: RunContext, split: SplitName, rows_N: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the rows of a split that do not repeat the sample of one of the rows before them."""
    indices_N = context.samples[split].indices()[rows_N]
    return rows_N[context.dataset.first_uses(split, indices_N.tolist())]


def count_by_dataset(context: RunContext, rows_N: NDArray[np.int64]) -> list[dict[str, Any]]:
    """Return a JSON document for each data set that rows of the training images come from.

    It has the component string, the number of the rows, and how many of these are different images.
    """
    indices = context.samples["train"].indices()[rows_N].tolist()
    located = [context.dataset.locate("train", index) for index in indices]
    return [
        {
            "dataset": part.text,
            "images": sum(which == number for which, _ in located),
            "different": len({index for which, index in located if which == number}),
        }
        for number, part in enumerate(context.dataset.parts)
    ]
