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
from ctcbench.contract.errors import UsageError
from ctcbench.contract.specs import Alphabet, frames_needed
from ctcbench.training.distributed.process_group import SINGLE_PROCESS_GROUP, ProcessGroup
from ctcbench.training.recognizer.network import Recognizer, makes_own_frames

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
        samples: the samples as they were drawn.
        images_NCHW: images, uint8; an array of a memory-mapped file, or a tensor on a GPU.
        widths_N: number of valid columns of each image, int64, on the CPU.
        targets_NL: classes of the characters, int64, padded with 0, on the device.
        target_lengths_N: number of characters of each text, int64, on the CPU.
        device: the device of the batches.
    """

    # uint8 images of a whole split fit into a GPU's memory, and copying them once saves a copy per step.

    samples: Samples
    images_NCHW: NDArray[np.uint8] | Tensor
    widths_N: Tensor
    targets_NL: Tensor
    target_lengths_N: Tensor
    device: torch.device

    def __len__(self) -> int:
        return len(self.samples)

    def batch(self, indices_N: NDArray[np.int64]) -> Batch:
        """Return the samples at `indices_N`."""
        host_N = torch.from_numpy(indices_N)
        if isinstance(self.images_NCHW, Tensor):
            device_N = host_N.to(self.device, non_blocking=True)
            images_NCHW = self.images_NCHW[device_N]
        else:
            device_N = host_N
            images_NCHW = torch.from_numpy(self.images_NCHW[indices_N])
        return Batch(
            images_NCHW, self.widths_N[host_N], self.targets_NL[device_N], self.target_lengths_N[host_N]
        )


def make_split(samples: Samples, alphabet: Alphabet, device: torch.device) -> Split:
    """Return `samples` as a split for `device`, with the texts encoded by `alphabet`."""
    labels = [alphabet.encode(text) for text in samples.texts]
    targets_NL = torch.zeros(len(labels), max(map(len, labels), default=0), dtype=torch.long)
    for row, target in enumerate(labels):
        targets_NL[row, : len(target)] = torch.tensor(target)
    images_NCHW: NDArray[np.uint8] | Tensor = samples.images_NCHW
    if device.type == "cuda":
        images_NCHW = _copy_to_device(samples.images_NCHW, device)
    return Split(
        samples,
        images_NCHW,
        torch.from_numpy(samples.widths_N.astype(np.int64)),
        targets_NL.to(device),
        torch.tensor([len(target) for target in labels]),
        device,
    )


def _copy_to_device(images_NCHW: NDArray[np.uint8], device: torch.device) -> Tensor:
    # In parts, so that the host never holds a second copy of all images.
    copy_NCHW = torch.empty(images_NCHW.shape, dtype=torch.uint8, device=device)
    for start in range(0, len(images_NCHW), _IMAGES_PER_COPY):
        part = np.array(images_NCHW[start : start + _IMAGES_PER_COPY])
        copy_NCHW[start : start + len(part)] = torch.from_numpy(part)
    return copy_NCHW


def require_enough_frames(samples: Samples, model: Recognizer, config: RunConfig) -> None:
    """Check that each image has enough frames to align its text, in the alignment of the loss.

    Raises:
        UsageError: an image has too few; the message names the first, its frames and those it needs.
    """
    frames_N = model.frames(torch.from_numpy(samples.widths_N.astype(np.int64))).tolist()
    needed_N = [frames_needed(text, model.alignment) for text in samples.texts]
    short = [index for index, needed in enumerate(needed_N) if needed > frames_N[index]]
    if short:
        first = short[0]
        rule = "characters + adjacent repeats" if model.alignment == "ctc" else "one per character"
        component, remedy = (
            f"backbone {config.backbone}",
            "use wider images, shorter texts or a backbone that pools less",
        )
        if makes_own_frames(model.head):
            component, remedy = (
                f"head {config.head}",
                "use a head with more frames, or shorter texts",
            )
        raise UsageError(
            f"{samples.names[first]}: text {samples.texts[first]!r} needs {needed_N[first]} frames "
            f"({rule}), {component} returns {frames_N[first]} for it "
            f"({len(short)} of {len(samples)} images are too short); {remedy}"
        )


def steps_per_epoch(split: Split, config: RunConfig) -> int:
    """Return the number of batches in an epoch; the last may be smaller than the others."""
    return -(-len(split) // config.batch_size)


def batch_at(split: Split, step: int, config: RunConfig, group: ProcessGroup = SINGLE_PROCESS_GROUP) -> Batch:
    """Return the batch of `step`, counted from 0, or this process's shard of it.

    Batches are a pure function of (seed, step), so that a checkpoint needs no state of the data loader.
    """
    epoch, number = divmod(step, steps_per_epoch(split, config))
    # Every process draws the order of the whole epoch, and takes its shard of each batch from it.
    order_N = _order(len(split), config.seed, epoch)
    whole_N = order_N[number * config.batch_size : (number + 1) * config.batch_size]
    own_N, weight = group.shard(whole_N)
    return split.batch(own_N)._replace(weight=weight)


@functools.lru_cache(maxsize=2)
def _order(count: int, seed: int, epoch: int) -> NDArray[np.int64]:
    return np.random.default_rng([seed, epoch]).permutation(count)
