"""WidthBuckets: batches of images of similar widths, so that little of a batch is padding."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ctcbench.data.sample_order import order_of
from ctcbench.training.balanced_sampling import resample

MOST_BUCKETS = 6  # each has a graph of its own on a GPU
_LEAST_BATCHES = 4  # of a bucket, on average: the last batch of each is smaller than the others
_MULTIPLE = 16  # of columns


@dataclass(frozen=True)
class EpochPlan:
    """The batches of an epoch.

    Attributes:
        order_N: the samples, batch by batch.
        starts_B: where each batch begins in ``order_N``, and after the last one where it ends (B + 1).
        widths_B: the width of the images of each batch, with their padding; 0: that of all images.
    """

    order_N: NDArray[np.int64]
    starts_B: NDArray[np.int64]
    widths_B: NDArray[np.int64]

    def batch(self, number: int) -> NDArray[np.int64]:
        """Return the samples of a batch."""
        return self.order_N[self.starts_B[number] : self.starts_B[number + 1]]

    def width(self, number: int) -> int:
        """Return the width of the images of a batch, with their padding; 0: that of all images."""
        return int(self.widths_B[number])


@dataclass(frozen=True, eq=False)
class WidthBuckets:
    """The images of a split by width: a batch has images of one bucket, padded to the width of it.

    Attributes:
        widths: the width of each bucket, ascending; its images have more columns than the bucket before.
        buckets_N: the bucket of each sample.
    """

    widths: tuple[int, ...]
    buckets_N: NDArray[np.int64]

    def sizes(self) -> list[int]:
        """Return the number of images in each bucket."""
        counts: list[int] = np.bincount(self.buckets_N, minlength=len(self.widths)).tolist()
        return counts

    def steps_per_epoch(self, batch_size: int) -> int:
        """Return the number of batches in an epoch; the last of each bucket may be smaller."""
        return sum(-(-size // batch_size) for size in self.sizes())

    def plan(
        self, batch_size: int, seed: int, epoch: int, weights_N: NDArray[np.float64] | None = None
    ) -> EpochPlan:
        """Return the batches of an epoch, a pure function of the seed and the number of the epoch.

        With `weights_N` each bucket has samples that are drawn from it by weight.
        """
        return _plan_buckets(self, batch_size, seed, epoch, weights_N)


def plan_in_order(
    count: int, batch_size: int, seed: int, epoch: int, weights_N: NDArray[np.float64] | None = None
) -> EpochPlan:
    """Return the batches of an epoch of `count` images of one width, with `weights_N` drawn by weight."""
    starts_B = np.append(np.arange(0, count, batch_size), count)
    order_N = order_of(count, seed, epoch)
    if weights_N is not None:
        order_N = resample(order_N, weights_N, _resampling(seed, epoch))
    return EpochPlan(order_N, starts_B, np.zeros(len(starts_B) - 1, np.int64))


def _resampling(seed: int, epoch: int) -> np.random.Generator:
    return np.random.default_rng([seed, epoch, 2])  # another stream than those of the orders


def _plan_buckets(
    buckets: WidthBuckets, batch_size: int, seed: int, epoch: int, weights_N: NDArray[np.float64] | None
) -> EpochPlan:
    order_N = order_of(len(buckets.buckets_N), seed, epoch)
    # Stable: within a bucket the samples keep the order of the epoch.
    order_N = order_N[np.argsort(buckets.buckets_N[order_N], kind="stable")]
    batches: list[NDArray[np.int64]] = []
    widths: list[int] = []
    generator = _resampling(seed, epoch)
    start = 0
    for width, size in zip(buckets.widths, buckets.sizes(), strict=True):
        stop = start + size
        # Within the bucket, so that every epoch has the same number of batches of each width.
        if weights_N is not None:
            order_N[start:stop] = resample(order_N[start:stop], weights_N, generator)
        batches += [
            order_N[first : min(first + batch_size, stop)] for first in range(start, stop, batch_size)
        ]
        widths += [width] * (len(batches) - len(widths))
        start = stop
    # From another stream than the order of the samples.
    shuffled_B = np.random.default_rng([seed, epoch, 1]).permutation(len(batches))
    chosen = [batches[number] for number in shuffled_B]
    starts_B = np.concatenate([[0], np.cumsum([len(batch) for batch in chosen])])
    return EpochPlan(np.concatenate(chosen), starts_B, np.array(widths)[shuffled_B])


def make_buckets(widths_N: NDArray[np.int32], batch_size: int, *, exact: bool) -> WidthBuckets:
    """Return the buckets of images with these widths.

    There are at most six, with about the same number of images: their widths are quantiles of those of the
    images, rounded up to a multiple of 16. Fewer images have fewer buckets, so that each has four batches.

    Args:
        widths_N: number of columns of each image.
        batch_size: images of a batch.
        exact: whether every width has a bucket of its own, for a network that does not mask padding.
    """
    if exact:
        widths, buckets_N = np.unique(widths_N, return_inverse=True)
        return WidthBuckets(tuple(widths.tolist()), buckets_N.astype(np.int64))
    count = min(MOST_BUCKETS, max(1, len(widths_N) // (_LEAST_BATCHES * batch_size)))
    # "higher": the width of an image, so that the result is a whole number on every machine.
    quantiles = np.quantile(widths_N, np.arange(1, count + 1) / count, method="higher")
    widths = np.unique(-(-quantiles.astype(np.int64) // _MULTIPLE) * _MULTIPLE)
    return WidthBuckets(tuple(widths.tolist()), np.searchsorted(widths, widths_N).astype(np.int64))


def reading_batches(widths_N: NDArray[np.int32], batch_size: int, *, exact: bool) -> list[NDArray[np.int64]]:
    """Return the batches in which images of these widths are read, the narrowest first.

    Args:
        widths_N: number of columns of each image.
        batch_size: most images of a batch.
        exact: whether all images of a batch have the same width.
    """
    order_N = np.argsort(widths_N, kind="stable")
    groups = [order_N]
    if exact:
        groups = np.split(order_N, np.flatnonzero(np.diff(widths_N[order_N])) + 1)
    return [
        group[first : first + batch_size] for group in groups for first in range(0, len(group), batch_size)
    ]


def padded_width(widths_N: NDArray[np.int32], *, exact: bool) -> int:
    """Return the width to which the images of a batch are padded for reading."""
    widest = int(widths_N.max())
    return widest if exact else -(-widest // _MULTIPLE) * _MULTIPLE
