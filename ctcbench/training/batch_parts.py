"""split_batch(): the parts of a batch for the accumulation of gradients."""

from __future__ import annotations

from ctcbench.training.split import Batch


def split_batch(batch: Batch, parts: int) -> list[tuple[Batch, float]]:
    """Return at most `parts` parts of a batch or of a shard, each with its share of the images.

    Every process has the same number of parts, because batch norm waits for all processes in each.
    """
    size = len(batch.images_NCHW)
    # The mean size of the shards is size / weight, and the smallest one is that rounded down.
    count = min(parts, int(size / batch.weight))
    if count == 1:
        return [(batch, 1.0)]
    images, widths, targets, lengths = (tensor.tensor_split(count) for tensor in batch[:4])
    return [
        (Batch(images[i], widths[i], targets[i], lengths[i], batch.weight), len(images[i]) / size)
        for i in range(count)
    ]
