"""order_of(): the order in which an epoch of training reads the samples of a split."""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray


@functools.lru_cache(maxsize=2)
def order_of(count: int, seed: int, epoch: int) -> NDArray[np.int64]:
    """Return the order in which an epoch, counted from 0, reads the `count` samples of a split."""
    return np.random.default_rng([seed, epoch]).permutation(count)
