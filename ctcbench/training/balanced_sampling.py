"""Images with rare characters are read more often: their weights, and the resampling of an epoch."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

MOST_TIMES = 20.0  # greatest weight of an image, as a multiple of the least


def sample_weights(
    targets_NL: NDArray[np.int64], lengths_N: NDArray[np.int64], strength: float
) -> NDArray[np.float64]:
    """Return how often each image is read, relative to the others: n to the power of −`strength`.

    n is the number of texts that have the image's rarest character. With `strength` 0.5 the weights are
    those of the square-root sampling of classes (Mahajan et al. 2018), here for images of several classes.
    The greatest weight is at most `MOST_TIMES` the least, so that a single odd image does not fill an epoch.

    Args:
        targets_NL: classes of the characters; what lies behind a text's length is ignored.
        lengths_N: number of characters of each text.
        strength: 0: all images alike; 1: inversely proportional to the number of texts.
    """
    count, longest = targets_NL.shape
    inside_NL = np.arange(longest) < lengths_N[:, None]
    texts, places = np.nonzero(inside_NL)
    if not len(texts):
        return np.ones(count)
    classes = targets_NL[texts, places]
    # A character that a text has twice counts once.
    _, first = np.unique(texts * (classes.max() + 1) + classes, return_index=True)
    texts_with_K = np.bincount(classes[first])
    # An empty text has no rare character.
    rarest_N = np.where(inside_NL, texts_with_K[np.where(inside_NL, targets_NL, 0)], count).min(axis=1)
    weights_N = rarest_N.astype(np.float64) ** -strength
    limited_N: NDArray[np.float64] = np.minimum(weights_N, MOST_TIMES * weights_N.min())
    return limited_N


def resample(
    order_N: NDArray[np.int64], weights_N: NDArray[np.float64], generator: np.random.Generator
) -> NDArray[np.int64]:
    """Return as many samples as `order_N` has, drawn from it in proportion to their weights, in random order.

    The draw is systematic (one random offset for all): a sample whose share is 2.3 is read two or three
    times, and one whose share is 0.3 at most once.

    Args:
        order_N: the samples of an epoch or of a part of it.
        weights_N: the weight of every sample of the split.
        generator: source of the offset and of the order.
    """
    edges_N = np.cumsum(weights_N[order_N])
    positions_N = (np.arange(len(order_N)) + generator.random()) * (edges_N[-1] / len(order_N))
    # The last position can be rounded up to the last edge.
    chosen_N = np.minimum(np.searchsorted(edges_N, positions_N, side="right"), len(order_N) - 1)
    return generator.permutation(order_N[chosen_N])
