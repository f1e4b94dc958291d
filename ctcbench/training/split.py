"""Split: samples with encoded targets, and the batch of each step as a pure function of (seed, step)."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ctcbench.config.run_config import RunConfig
from ctcbench.contract.data import Samples
from ctcbench.contract.specs import Alphabet
from ctcbench.training.distributed.process_group import SINGLE_PROCESS_GROUP, ProcessGroup
from ctcbench.training.mirroring import mirror_columns

_IMAGES_PER_COPY = 4096


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
        images_NCHW: images, uint8; an array of a memory-mapped file, or a tensor on a GPU.
        rows_N: the row of each sample in ``images_NCHW``, int64; None: sample i is in row i.
        widths_N: number of valid columns of each image, int64, on the CPU.
        targets_NL: classes of the characters, int64, padded with 0, on the device.
        target_lengths_N: number of characters of each text, int64, on the CPU.
        device: the device of the batches.
        mirrored: whether batches have their images mirrored, for a recogniser of right-to-left text.
    """

    # uint8 images of a whole split fit into a GPU's memory, and copying them once saves a copy per step.

    texts: tuple[str, ...]
    images_NCHW: NDArray[np.uint8] | Tensor
    rows_N: NDArray[np.int64] | None
    widths_N: Tensor
    targets_NL: Tensor
    target_lengths_N: Tensor
    device: torch.device
    mirrored: bool = False

    def __len__(self) -> int:
        return len(self.texts)

    def batch(self, indices_N: NDArray[np.int64]) -> Batch:
        """Return the samples at `indices_N`."""
        host_N = torch.from_numpy(indices_N)
        if isinstance(self.images_NCHW, Tensor):
            device_N = host_N.to(self.device, non_blocking=True)
            images_NCHW = self.images_NCHW[device_N]
        else:
            device_N = host_N
            rows_N = indices_N if self.rows_N is None else self.rows_N[indices_N]
            images_NCHW = torch.from_numpy(self.images_NCHW[rows_N])
        # Before the augmentation, so that padding is on the right for it as well.
        if self.mirrored:
            images_NCHW = mirror_columns(images_NCHW, self.widths_N[host_N])
        return Batch(
            images_NCHW, self.widths_N[host_N], self.targets_NL[device_N], self.target_lengths_N[host_N]
        )


def make_split(
    samples: Samples, alphabet: Alphabet, device: torch.device, kept_N: NDArray[np.int64] | None = None
) -> Split:
    """Return `samples` as a split for `device`, with the texts encoded by `alphabet`.

    Args:
        samples: the samples of the split.
        alphabet: classes of the characters.
        device: device of the batches.
        kept_N: indices of the samples that the split has; None: all.
    """
    # Without indices, a batch of neighbouring rows is one read of the file of images.
    if kept_N is not None and len(kept_N) == len(samples):
        kept_N = None
    chosen = slice(None) if kept_N is None else kept_N
    texts = samples.texts if kept_N is None else tuple(samples.texts[index] for index in kept_N)
    labels = [alphabet.encode(text) for text in texts]
    targets_NL = torch.zeros(len(labels), max(map(len, labels), default=0), dtype=torch.long)
    for row, target in enumerate(labels):
        targets_NL[row, : len(target)] = torch.tensor(target)
    images_NCHW: NDArray[np.uint8] | Tensor = samples.images_NCHW
    if device.type == "cuda":
        # Only the rows that are used take memory there, so they are in order afterwards.
        images_NCHW, kept_N = _copy_to_device(samples.images_NCHW, device, kept_N), None
    return Split(
        texts,
        images_NCHW,
        kept_N,
        torch.from_numpy(samples.widths_N[chosen].astype(np.int64)),
        targets_NL.to(device),
        torch.tensor([len(target) for target in labels]),
        device,
        alphabet.direction == "rtl",
    )


def _copy_to_device(
    images_NCHW: NDArray[np.uint8], device: torch.device, kept_N: NDArray[np.int64] | None
) -> Tensor:
    """Return the images at the indices `kept_N` (None: all) as a tensor on `device`."""
    rows_N = np.arange(len(images_NCHW)) if kept_N is None else kept_N
    copy_NCHW = torch.empty((len(rows_N), *images_NCHW.shape[1:]), dtype=torch.uint8, device=device)
    # In parts, so that the host never holds a second copy of all images.
    for start in range(0, len(rows_N), _IMAGES_PER_COPY):
        part = images_NCHW[rows_N[start : start + _IMAGES_PER_COPY]]
        copy_NCHW[start : start + len(part)] = torch.from_numpy(part)
    return copy_NCHW


def steps_per_epoch(split: Split, config: RunConfig) -> int:
    """Return the number of batches in an epoch; the last may be smaller than the others."""
    return -(-len(split) // config.batch_size)


def batch_at(split: Split, step: int, config: RunConfig, group: ProcessGroup = SINGLE_PROCESS_GROUP) -> Batch:
    """Return the batch of `step`, counted from 0, or this process's shard of it.

    Batches are a pure function of (seed, step), so that a checkpoint needs no state of the data loader.
    """
    epoch, number = divmod(step, steps_per_epoch(split, config))
    # Every process draws the order of the whole epoch, and takes its shard of each batch from it.
    order_N = order_of(len(split), config.seed, epoch)
    whole_N = order_N[number * config.batch_size : (number + 1) * config.batch_size]
    own_N, weight = group.shard(whole_N)
    return split.batch(own_N)._replace(weight=weight)


@functools.lru_cache(maxsize=2)
def order_of(count: int, seed: int, epoch: int) -> NDArray[np.int64]:
    """Return the order in which an epoch, counted from 0, has the `count` samples of a split."""
    return np.random.default_rng([seed, epoch]).permutation(count)
