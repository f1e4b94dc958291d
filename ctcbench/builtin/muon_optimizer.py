"""Muon: momentum with an orthogonalised direction for matrices, AdamW for everything else."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

# An odd polynomial that maps every singular value from (0, 1] to about 1 in few iterations. The slope
# at 0 is steep, at the price of ending between 0.7 and 1.2 (Jordan et al. 2024).
_NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)
_NEWTON_SCHULZ_STEPS = 5
_MOMENTUM = 0.9


class Muon(torch.optim.Optimizer):
    """Muon (Jordan et al. 2024) for `matrices`, AdamW for the parameters of `adamw_groups`.

    A step along U·Vᵀ of the momentum U·S·Vᵀ moves a weight matrix by the same amount in every direction.
    A step along the gradient moves it mostly in the few directions with the largest singular values.

    The kernel of a convolution is a matrix of outputs × (inputs · rows · columns).

    Args:
        matrices: parameters of two or more dimensions.
        adamw_groups: parameter groups of torch's AdamW.
        gates: the number of matrices that are stacked in the rows of a parameter, 1 where it is missing.
        lr: the learning rate of AdamW.
        scale: the learning rate of Muon is this times that of AdamW.
        weight_decay: the weight decay of `matrices`, relative to the learning rate of AdamW.
        dtype: the dtype in which directions are orthogonalised.
    """

    def __init__(
        self,
        matrices: Sequence[Tensor],
        adamw_groups: Sequence[dict[str, Any]],
        *,
        gates: Mapping[nn.Parameter, int],
        lr: float,
        scale: float,
        weight_decay: float,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        self._adamw = torch.optim.AdamW(adamw_groups, lr=lr, fused=True)
        self._gates = {id(parameter): count for parameter, count in gates.items()}
        self._dtype = dtype
        defaults = {"lr": lr * scale, "scale": scale}
        super().__init__([{"params": list(matrices), "weight_decay": weight_decay}], defaults)
        # One list of groups and one state for both, so that rates and checkpoints see one optimizer.
        self.param_groups = self._adamw.param_groups + self.param_groups
        self._adamw.state = self.state

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """Update every parameter that has a gradient; `closure` is not called."""
        self._adamw.step()
        matrices = self.param_groups[-1]
        for parameter in matrices["params"]:
            if parameter.grad is None:
                continue
            state = self.state[parameter]
            if not state:
                state["momentum"] = torch.zeros_like(parameter)
            momentum = state["momentum"].lerp_(parameter.grad, 1 - _MOMENTUM)
            ahead = parameter.grad.lerp(momentum, _MOMENTUM)  # Nesterov momentum
            gates = self._gates.get(id(parameter), 1)
            # Gates of a recurrent layer are independent matrices that torch stacks: each one has its own
            # singular values.
            direction = orthogonalise(ahead.flatten(1).unflatten(0, (gates, -1)), self._dtype)
            rows, columns = direction.shape[1:]
            # A change of the input of length 1 changes the output by a length that does not depend on the
            # matrix's size, so tall matrices take a longer step.
            rate = matrices["lr"] * math.sqrt(max(1.0, rows / columns))
            # Divided by the scale: the decay is that of AdamW, whose learning rate is the smaller one.
            parameter.mul_(1 - matrices["lr"] / matrices["scale"] * matrices["weight_decay"])
            parameter.add_(direction.reshape(parameter.shape).to(parameter.dtype), alpha=-rate)


def orthogonalise(matrices_MRC: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
    """Return approximately U·Vᵀ of each matrix U·S·Vᵀ, computed in `dtype`.

    Args:
        matrices_MRC: M matrices of R rows and C columns.
        dtype: the dtype of the iteration and of the result.

    Returns:
        M matrices of the same shape with singular values between 0.7 and 1.2; zeros where the input is 0.
    """
    a, b, c = _NEWTON_SCHULZ
    tall = matrices_MRC.shape[1] > matrices_MRC.shape[2]
    x = (matrices_MRC.mT if tall else matrices_MRC).to(dtype)  # the smaller of both squares is cheaper
    # The Frobenius norm is at least the largest singular value, which the iteration needs to be at most 1.
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
    for _ in range(_NEWTON_SCHULZ_STEPS):
        square = x @ x.mT
        x = a * x + (b * square + c * square @ square) @ x
    result: Tensor = x.mT if tall else x
    return result
