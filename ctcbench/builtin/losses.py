"""The built-in losses: CTC with two regularisers, and cross-entropy over fixed slots."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from ctcbench.contract.components import loss
from ctcbench.contract.specs import BLANK, Alphabet

if TYPE_CHECKING:
    from torch import Tensor

Objective = Callable[["Tensor", "Tensor", "Tensor", "Tensor"], "Tensor"]
CTCLosses = Callable[["Tensor", "Tensor", "Tensor", "Tensor"], "Tensor"]
Smoothing = Annotated[
    float, Field(ge=0, lt=1, description="weight of the divergence from the uniform distribution")
]
Entropy = Annotated[
    float, Field(ge=0, le=10, description="weight of the entropy, which is subtracted from the loss")
]


@loss(on_device=True)
def ctc(alphabet: Alphabet, *, label_smoothing: Smoothing = 0.0, entropy: Entropy = 0.0) -> Objective:
    """Connectionist temporal classification (Graves 2006): −log p(labelling), mean over the images, nats."""

    def objective(
        log_probs_TNK: Tensor,
        lengths_N: Tensor,
        targets_NL: Tensor,
        target_lengths_N: Tensor,
        ctc_losses: CTCLosses = _torch_ctc_losses,
    ) -> Tensor:
        losses_N = ctc_losses(log_probs_TNK, lengths_N, targets_NL, target_lengths_N)
        # Not torch's reduction="mean", which divides each loss by the length of its text.
        total = losses_N.mean()
        if label_smoothing:
            # KL(uniform || p) per frame, up to a constant (Kim et al. 2018, for CTC).
            distance = -_mean_over_frames(log_probs_TNK.mean(-1), lengths_N)
            total = (1 - label_smoothing) * total + label_smoothing * distance
        if entropy:
            # The entropy of single frames approximates the entropy of alignments (Liu et al. 2018).
            spread = -_mean_over_frames((log_probs_TNK.exp() * log_probs_TNK).sum(-1), lengths_N)
            total = total - entropy * spread
        return total

    return objective


@loss(alignment="fixed", on_device=True)
def slots(alphabet: Alphabet, *, label_smoothing: Smoothing = 0.0) -> Objective:
    """Cross-entropy without CTC: frame i is character i, later frames are blank; nats per image."""

    def objective(
        log_probs_TNK: Tensor, lengths_N: Tensor, targets_NL: Tensor, target_lengths_N: Tensor
    ) -> Tensor:
        filled_TN = _fill_frames(targets_NL, target_lengths_N, len(log_probs_TNK)).t()
        # Without images the loss is 0, not NaN.
        images = max(1, log_probs_TNK.shape[1])
        costs_TN = -_of_class(log_probs_TNK, filled_TN)
        total = (costs_TN * _mask_frames(costs_TN, lengths_N)).sum() / images
        if label_smoothing:
            distance = -_mean_over_frames(log_probs_TNK.mean(-1), lengths_N)
            total = (1 - label_smoothing) * total + label_smoothing * distance
        return total

    return objective


def _torch_ctc_losses(
    log_probs_TNK: Tensor, lengths_N: Tensor, targets_NL: Tensor, target_lengths_N: Tensor
) -> Tensor:
    """Return losses_N by torch's own loss, which reads the lengths on the host."""
    from torch.nn import functional as F

    lengths: tuple[Any, Any] = (lengths_N, target_lengths_N)
    if log_probs_TNK.is_cuda:
        # As numbers: while a dispatch mode is active, torch would require tensors of lengths on the GPU.
        lengths = (lengths_N.tolist(), target_lengths_N.tolist())
    return F.ctc_loss(log_probs_TNK, targets_NL, *lengths, blank=BLANK, reduction="none")


def _of_class(log_probs_TNK: Tensor, classes_TN: Tensor) -> Tensor:
    """Return the log-probability of a class in each frame, shape (T, N)."""
    import torch

    # Not gather(), whose gradient on a GPU is a sum by atomics. With --deterministic torch computes it in
    # another way, which reads indices on the host, so that a CUDA graph can't contain it.
    class_K = torch.arange(log_probs_TNK.shape[-1], device=log_probs_TNK.device)
    return log_probs_TNK.masked_fill(class_K != classes_TN[:, :, None], 0.0).sum(-1)


def _fill_frames(targets_NL: Tensor, target_lengths_N: Tensor, frames: int) -> Tensor:
    """Return targets_NT, the class of each frame; frames after the text are blank."""
    import torch
    from torch.nn import functional as F

    # Targets may be padded to more characters than there are frames, or to fewer.
    padded_NT = F.pad(targets_NL[:, :frames], (0, max(0, frames - targets_NL.shape[1])))
    is_text_NT = torch.arange(frames, device=targets_NL.device) < target_lengths_N[:, None].to(
        targets_NL.device, non_blocking=True
    )
    return padded_NT.where(is_text_NT, torch.full_like(padded_NT, BLANK))


def _mean_over_frames(values_TN: Tensor, lengths_N: Tensor) -> Tensor:
    """Return the mean of `values_TN` over the frames that count."""
    counts_TN = _mask_frames(values_TN, lengths_N)
    return (values_TN * counts_TN).sum() / counts_TN.sum()


def _mask_frames(values_TN: Tensor, lengths_N: Tensor) -> Tensor:
    """Return mask_TN of the frames that count."""
    import torch

    # Lengths may be on the CPU, where torch's own CTC expects them. non_blocking: the step does not wait for
    # the copy.
    lengths_N = lengths_N.to(values_TN.device, non_blocking=True)
    return torch.arange(len(values_TN), device=values_TN.device)[:, None] < lengths_N
