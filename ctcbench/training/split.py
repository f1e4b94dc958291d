"""Split: samples with encoded targets, and the batch of each step as a pure function of (seed, step)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, overload

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ctcbench.config.run_config import RunConfig
from ctcbench.contract.data import Samples
from ctcbench.contract.ragged_images import RaggedImages
from ctcbench.contract.specs import Alphabet
from ctcbench.files.text_column import TextColumn
from ctcbench.training.balanced_sampling import sample_weights
from ctcbench.training.distributed.process_group import SINGLE_PROCESS_GROUP, ProcessGroup
from ctcbench.training.mirroring import mirror_columns
from ctcbench.training.ragged_tensor import RaggedTensor
from ctcbench.training.resident_images import device_images, host_images
from ctcbench.training.targets import encode_targets
from ctcbench.training.width_buckets import (
    EpochPlan,
    WidthBuckets,
    make_buckets,
    plan_in_order,
    reading_batches,
)


class Batch(NamedTuple):
    """Images and targets on the device, with widths and lengths on the CPU.

    Attributes:
        images_NCHW: images, uint8.
        widths_N: number of valid columns of each image, int64; the columns after them are padding.
        targets_NL: classes of the characters, int64, padded with 0.
        target_lengths_N: number of characters of each text, int64.
        weight: factor of the mean loss of these images in a shard of a batch; see `ProcessGroup.shard`.
    """

    # torch's CTC kernels read the lengths on the host; copying them from a GPU would wait for it each step.
    images_NCHW: Tensor
    widths_N: Tensor
    targets_NL: Tensor
    target_lengths_N: Tensor
    weight: float = 1.0


@dataclass(frozen=True)
class Split:
    """Samples of a split with encoded targets.

    Attributes:
        texts: the targets.
        images_NCHW: images, uint8; an array of a memory-mapped file, or a tensor on a GPU. Those of different
            widths are ragged.
        rows_N: the row of each sample in ``images_NCHW``, a tensor where the images are one; samples that
            repeat others share a row. None: sample i is in row i.
        widths_N: number of valid columns of each image, int64, on the CPU.
        targets_NL: classes of the characters, int64, padded with 0, on the device.
        target_lengths_N: number of characters of each text, int64, on the CPU.
        device: the device of the batches.
        mirrored: whether batches have their images mirrored, for a recogniser of right-to-left text.
        buckets: the widths to which batches of images of different widths are padded; None: all images have
            the same width.
        weights_N: how often each sample is read, relative to the others, float64; None: all alike.
        plans: what `plan_of` has made.
    """

    # uint8 images of a whole split fit into a GPU's memory, and copying them once saves a copy per step.

    texts: Sequence[str]
    images_NCHW: NDArray[np.uint8] | Tensor | RaggedImages | RaggedTensor
    rows_N: NDArray[np.integer] | Tensor | None
    widths_N: Tensor
    targets_NL: Tensor
    target_lengths_N: Tensor
    device: torch.device
    mirrored: bool = False
    buckets: WidthBuckets | None = None
    weights_N: NDArray[np.float64] | None = None
    # The batches of the latest epoch, by seed and batch size: trainings that take turns share a split. Not
    # copied by `dataclasses.replace`, because they depend on the other fields.
    plans: dict[tuple[int, int], tuple[int, EpochPlan]] = field(
        init=False, default_factory=dict, repr=False, compare=False
    )

    def __len__(self) -> int:
        return len(self.texts)

    def batch(self, indices_N: NDArray[np.int64], width: int = 0) -> Batch:
        """Return the samples at `indices_N`; images of different widths are padded to `width`."""
        host_N = torch.from_numpy(indices_N)
        if isinstance(self.images_NCHW, Tensor | RaggedTensor):
            device_N = host_N.to(self.device, non_blocking=True)
            images_NCHW = self.images_at(device_N, width)
        else:
            device_N = host_N
            images_NCHW = torch.from_numpy(self.images_at(indices_N, width))
        # Before the augmentation, so that padding is on the right for it as well.
        if self.mirrored:
            images_NCHW = mirror_columns(images_NCHW, self.widths_N[host_N])
        return Batch(
            images_NCHW, self.widths_N[host_N], self.targets_NL[device_N], self.target_lengths_N[host_N]
        )

    @overload
    def images_at(self, indices_N: Tensor, width: int = 0) -> Tensor: ...
    @overload
    def images_at(self, indices_N: NDArray[np.int64], width: int = 0) -> NDArray[np.uint8]: ...
    def images_at(self, indices_N: Any, width: int = 0) -> Any:
        """Return the images of the samples at `indices_N`, a tensor on the device if the images are one.

        Those of different widths are padded to `width`.
        """
        rows_N = self.rows_at(indices_N)
        if isinstance(self.images_NCHW, RaggedImages | RaggedTensor):
            return self.images_NCHW.padded(rows_N, width)
        return self.images_NCHW[rows_N]

    def rows_at(self, indices_N: Any) -> Any:
        """Return the rows of the samples at `indices_N`, which is a tensor if the images are one."""
        return indices_N if self.rows_N is None else self.rows_N[indices_N]

    def with_balance(self, strength: float) -> Split:
        """Return the split for a training that reads images with rare characters more often.

        Args:
            strength: see `sample_weights`; 0: the split as it is.
        """
        if not strength:
            return self
        targets_NL, lengths_N = self.targets_NL.cpu().numpy(), self.target_lengths_N.numpy()
        return replace(self, weights_N=sample_weights(targets_NL, lengths_N, strength))

    def with_buckets(self, batch_size: int, *, exact: bool) -> Split:
        """Return the split with the buckets for training; one whose images have the same width has none.

        Args:
            batch_size: images of a batch.
            exact: whether all images of a batch must have the same width.
        """
        if not isinstance(self.images_NCHW, RaggedImages | RaggedTensor):
            return self
        return replace(self, buckets=make_buckets(self.widths_N.numpy(), batch_size, exact=exact))

    def reading_batches(self, batch_size: int, *, exact: bool) -> list[NDArray[np.int64]]:
        """Return the samples of each batch for reading, where no batch depends on a seed.

        Those of different widths are read by width.
        """
        if isinstance(self.images_NCHW, RaggedImages | RaggedTensor):
            return reading_batches(self.widths_N.numpy(), batch_size, exact=exact)
        return [
            np.arange(start, min(start + batch_size, len(self))) for start in range(0, len(self), batch_size)
        ]


def make_split(
    samples: Samples,
    alphabet: Alphabet,
    device: torch.device,
    kept_N: NDArray[np.int64] | None = None,
    *,
    drawn: bool = True,
    scored: bool = False,
) -> Split:
    """Return `samples` as a split for `device`, with the texts encoded by `alphabet`.

    Args:
        samples: the samples of the split.
        alphabet: classes of the characters.
        device: device of the batches.
        kept_N: indices of the samples that the split has; None: all.
        drawn: whether the images are drawn; if not, an `ImageArrival` copies them to a GPU.
        scored: whether the samples are those of validation or test, whose texts may have characters that the
            alphabet lacks.
    """
    # Without indices, a batch of neighbouring rows is one read of the file of images.
    if kept_N is not None and len(kept_N) == len(samples):
        kept_N = None
    chosen = slice(None) if kept_N is None else kept_N
    texts = samples.texts if kept_N is None else TextColumn.of(samples.texts[row] for row in kept_N.data)
    targets_NL, lengths_N = encode_targets(texts, alphabet, scored=scored)
    images_NCHW, rows_N = (
        device_images(samples.images_NCHW, kept_N, device, drawn=drawn)
        if device.type == "cuda"
        else host_images(samples.images_NCHW, kept_N)
    )
    return Split(
        texts,
        images_NCHW,
        rows_N,
        torch.from_numpy(samples.widths_N[chosen].astype(np.int64)),
        targets_NL.to(device),
        torch.from_numpy(lengths_N),
        device,
        alphabet.direction == "rtl",
    )


def steps_per_epoch(split: Split, config: RunConfig) -> int:
    """Return the number of batches in an epoch; the last may be smaller than the others."""
    if split.buckets is not None:
        return split.buckets.steps_per_epoch(config.batch_size)
    return -(-len(split) // config.batch_size)


def batch_at(split: Split, step: int, config: RunConfig, group: ProcessGroup = SINGLE_PROCESS_GROUP) -> Batch:
    """Return the batch of `step`, counted from 0, or this process's shard of it.

    Batches are a pure function of (seed, step), so that a checkpoint needs no state of the data loader.
    """
    # Every process draws the order of the whole epoch, and takes its shard of each batch from it.
    plan, number = plan_at(split, step, config)
    own_N, weight = group.shard(plan.batch(number))
    return split.batch(own_N, plan.width(number))._replace(weight=weight)


def plan_at(split: Split, step: int, config: RunConfig) -> tuple[EpochPlan, int]:
    """Return the batches of the epoch of `step`, counted from 0, and which of them is that of the step."""
    epoch, number = divmod(step, steps_per_epoch(split, config))
    return plan_of(split, config, epoch), number


def full_batches(split: Split, config: RunConfig) -> dict[int, int]:
    """Return the number of images in the full batches, by the width of their images (`EpochPlan.width`)."""
    if split.buckets is None:
        return {0: min(config.batch_size, len(split))}
    sizes = zip(split.buckets.widths, split.buckets.sizes(), strict=True)
    return {width: min(config.batch_size, size) for width, size in sizes}


def plan_of(split: Split, config: RunConfig, epoch: int) -> EpochPlan:
    """Return the batches of an epoch, counted from 0."""
    key = config.seed, config.batch_size
    known, plan = split.plans.get(key, (-1, None))
    if plan is None or known != epoch:
        if split.buckets is not None:
            plan = split.buckets.plan(config.batch_size, config.seed, epoch, split.weights_N)
        else:
            plan = plan_in_order(len(split), config.batch_size, config.seed, epoch, split.weights_N)
        split.plans[key] = epoch, plan
    return plan
