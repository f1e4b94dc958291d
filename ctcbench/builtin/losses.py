"""The loss that ships: CTC, with two regularisers."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from ctcbench.contract.components import loss
from ctcbench.contract.specs import BLANK, Alphabet

if TYPE_CHECKING:
    from torch import Tensor

Smoothing = Annotated[float, Field(ge=0, lt=1, description="share of the loss that is distance from uniform")]
Entropy = Annotated[float, Field(ge=0, le=10, description="weight of the frames' entropy, which is rewarded")]


@loss
def ctc(
    alphabet: Alphabet, *, label_smoothing: Smoothing = 0.0, entropy: Entropy = 0.0
) -> Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]:
    """Connectionist temporal classification (Graves 2006): −log p(labelling), mean over the images, nats."""
    from torch.nn import functional as F

    def objective(
        log_probs_TNK: Tensor, lengths_N: Tensor, targets_NL: Tensor, target_lengths_N: Tensor
    ) -> Tensor:
        losses_N = F.ctc_loss(
            log_probs_TNK, targets_NL, lengths_N, target_lengths_N, blank=BLANK, reduction="none"
        )
        total = losses_N.mean()
        if label_smoothing:
            # KL(uniform || p) a frame, up to a constant (Kim et al. 2018, for CTC).
            distance = -_mean_over_frames(log_probs_TNK.mean(-1), lengths_N)
            total = (1 - label_smoothing) * total + label_smoothing * distance
        if entropy:
            # Of single frames, the cheap relative of the entropy of alignments (Liu et al. 2018).
            spread = -_mean_over_frames((log_probs_TNK.exp() * log_probs_TNK).sum(-1), lengths_N)
            total = total - entropy * spread
        return total

    return objective


def _mean_over_frames(values_TN: Tensor, lengths_N: Tensor) -> Tensor:
    """Return the mean of `values_TN` over the frames that count."""
    import torch

    lengths_N = lengths_N.to(values_TN.device, non_blocking=True)
    counts_TN = torch.arange(len(values_TN), device=values_TN.device)[:, None] < lengths_N
    return (values_TN * counts_TN).sum() / counts_TN.sum()
