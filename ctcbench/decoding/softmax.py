"""The log-softmax in numpy."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def log_softmax(logits: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Return the logarithm of the softmax over the last axis (the classes), in float64.

    Rows with NaN or without a finite value become NaN, without a warning: frames behind a sequence's end may
    hold any values.
    """
    with np.errstate(all="ignore"):
        # In one order of memory: the order of a sum's terms, and so its last bit, would else depend on it.
        shifted = logits.astype(np.float64, order="C")
        # The largest logit becomes 0, so that no exponential overflows.
        shifted -= shifted.max(axis=-1, keepdims=True)
        shifted -= np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return shifted
