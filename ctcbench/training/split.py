"""A split ready for training: uint8 images where they are needed, targets, lengths; batches by step."""

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

_COPIED_AT_ONCE = 4096


class Batch(NamedTuple):
    """Images (uint8) and targets (int64, padded) on the device; widths and lengths on the CPU.

    CTC's kernels want lengths on the host: from a GPU they would have to be waited for at each step.
    ``weight`` is what the mean over these images counts for, where others have the rest of the batch.
    """

    images_NCHW: Tensor
    widths_N: Tensor
    targets_NL: Tensor
    target_lengths_N: Tensor
    weight: float = 1.0


@dataclass(frozen=True)
class Split:
    """The samples of a split with their targets encoded.

    On a CPU the images stay in the mapped file; a GPU gets them all, as uint8, once.
    """

    samples: Samples
    images_NCHW: NDArray[np.uint8] | Tensor
    widths_N: Tensor
    targets_NL: Tensor
    target_lengths_N: Tensor
    device: torch.device

    def __len__(self) -> int:
        return len(self.samples)

    def batch(self, indices_N: NDArray[np.int64]) -> Batch:
        """Return the samples at `indices_N` on the device."""
        if isinstance(self.images_NCHW, Tensor):
            there_N = torch.from_numpy(indices_N).to(self.device, non_blocking=True)
            images_NCHW = self.images_NCHW[there_N]
        else:
            there_N = torch.from_numpy(indices_N)
            images_NCHW = torch.from_numpy(self.images_NCHW[indices_N])
        here_N = torch.from_numpy(indices_N)
        return Batch(
            images_NCHW, self.widths_N[here_N], self.targets_NL[there_N], self.target_lengths_N[here_N]
        )


def make_split(samples: Samples, alphabet: Alphabet, device: torch.device) -> Split:
    """Encode the targets of `samples` and bring what a GPU needs to it."""
    labels = [alphabet.encode(text) for text in samples.texts]
    targets_NL = torch.zeros(len(labels), max(map(len, labels), default=0), dtype=torch.long)
    for row, target in enumerate(labels):
        targets_NL[row, : len(target)] = torch.tensor(target)
    images_NCHW: NDArray[np.uint8] | Tensor = samples.images_NCHW
    if device.type == "cuda":
        images_NCHW = _on_device(samples.images_NCHW, device)
    return Split(
        samples,
        images_NCHW,
        torch.from_numpy(samples.widths_N.astype(np.int64)),
        targets_NL.to(device),
        torch.tensor([len(target) for target in labels]),
        device,
    )


def _on_device(images_NCHW: NDArray[np.uint8], device: torch.device) -> Tensor:
    """Copy mapped images to a GPU a part at a time, so that no second copy of them all is in memory."""
    there_NCHW = torch.empty(images_NCHW.shape, dtype=torch.uint8, device=device)
    for start in range(0, len(images_NCHW), _COPIED_AT_ONCE):
        part = np.array(images_NCHW[start : start + _COPIED_AT_ONCE])
        there_NCHW[start : start + len(part)] = torch.from_numpy(part)
    return there_NCHW


def require_enough_frames(samples: Samples, model: Recognizer, config: RunConfig) -> None:
    """Check that every text can be aligned to the frames its image gets, in the way that the loss aligns.

    Raises:
        UsageError: names the first sample that can't be, its frames and its need.
    """
    frames_N = model.frames(torch.from_numpy(samples.widths_N.astype(np.int64))).tolist()
    needed_N = [frames_needed(text, model.alignment) for text in samples.texts]
    short = [index for index, needed in enumerate(needed_N) if needed > frames_N[index]]
    if short:
        first = short[0]
        terms = "characters + adjacent repeats" if model.alignment == "ctc" else "one a character"
        giver, remedy = (
            f"backbone {config.backbone}",
            "use wider images, shorter texts or a backbone that pools less",
        )
        if makes_own_frames(model.head):
            giver, remedy = f"head {config.head}", "let the head give more, or use shorter texts"
        raise UsageError(
            f"{samples.names[first]}: text {samples.texts[first]!r} needs {needed_N[first]} frames "
            f"({terms}), {giver} gives it {frames_N[first]} "
            f"({len(short)} of {len(samples)} images are too short); {remedy}"
        )


def steps_per_epoch(split: Split, config: RunConfig) -> int:
    """Return how many batches the split makes; the last may be smaller."""
    return -(-len(split) // config.batch_size)


def batch_at(split: Split, step: int, config: RunConfig, group: ProcessGroup = SINGLE_PROCESS_GROUP) -> Batch:
    """Return the batch of a step, counted from 0, or this process's part: a pure function of (seed, step)."""
    epoch, place = divmod(step, steps_per_epoch(split, config))
    order_N = _order(len(split), config.seed, epoch)
    whole_N = order_N[place * config.batch_size : (place + 1) * config.batch_size]
    own_N, weight = group.shard(whole_N)
    return split.batch(own_N)._replace(weight=weight)


@functools.lru_cache(maxsize=2)
def _order(count: int, seed: int, epoch: int) -> NDArray[np.int64]:
    return np.random.default_rng([seed, epoch]).permutation(count)
