"""find_ctc_losses(): the CTC losses that read no length on the host, where the device has them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from ctcbench.contract.specs import BLANK


def find_ctc_losses(device: torch.device) -> Callable[[Tensor, Tensor, Tensor, Tensor], Tensor] | str:
    """Return the CTC kernel for a CUDA device, or the reason why it can't be used there.

    The kernel is called once, because Triton needs a C compiler and a supported GPU, not only its package.
    """
    if device.type != "cuda":
        return f"there is none for {device.type}"
    try:
        from ctcbench.training.cuda.ctc_kernel import ctc_losses

        log_probs_TNK = torch.zeros(2, 1, 2, device=device, requires_grad=True)
        one_N = torch.ones(1, dtype=torch.long, device=device)
        ctc_losses(log_probs_TNK, one_N, one_N[:, None], one_N).sum().backward()
        torch.cuda.synchronize(device)
    except ImportError as error:
        return f"Triton can't be imported ({error})"
    except Exception as error:  # of many classes: Triton's own, its compiler's, the driver's
        return f"Triton failed ({next(iter(str(error).strip().splitlines()), type(error).__name__)})"
    return _ctc_losses


def _ctc_losses(
    log_probs_TNK: Tensor, lengths_N: Tensor, targets_NL: Tensor, target_lengths_N: Tensor
) -> Tensor:
    """Return losses_N by the kernel, or by torch's own loss for texts that are too long for it."""
    from ctcbench.training.cuda.ctc_kernel import MAX_LABEL_LENGTH, ctc_losses

    if targets_NL.shape[1] <= MAX_LABEL_LENGTH:
        return ctc_losses(log_probs_TNK, lengths_N, targets_NL, target_lengths_N)
    device = log_probs_TNK.device
    if torch.are_deterministic_algorithms_enabled():
        log_probs_TNK, targets_NL = log_probs_TNK.cpu(), targets_NL.cpu()
    lengths: tuple[Any, Any] = (lengths_N.tolist(), target_lengths_N.tolist())
    losses_N = F.ctc_loss(log_probs_TNK, targets_NL, *lengths, blank=BLANK, reduction="none")
    return losses_N.to(device)
