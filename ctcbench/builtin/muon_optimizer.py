"""Muon: momentum with an orthogonalised direction for matrices, AdamW for everything else."""

from __future__ import annotations

import math
from collections import defaultdict
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

    A CUDA graph can contain a step: learning rates may be tensors, and gradients that float16's scaler found
    infinite are skipped without a look at them on the host.

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
        # torch's key for optimizers that a CUDA graph can contain.
        defaults = {"lr": lr * scale, "scale": scale, "capturable": False}
        super().__init__([{"params": list(matrices), "weight_decay": weight_decay}], defaults)
        # One list of groups and one state for both, so that rates and checkpoints see one optimizer.
        self.param_groups = self._adamw.param_groups + self.param_groups
        self._adamw.state = self.state
        # A gradient scaler then sets `found_inf` and calls step(), instead of reading it on the host.
        self._step_supports_amp_scaling = True

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """Update every parameter that has a gradient; `closure` is not called."""
        found_inf: Tensor | None = getattr(self, "found_inf", None)
        assert getattr(self, "grad_scale", None) is None, "unscale_() the gradients before step()"
        self._adamw.grad_scale, self._adamw.found_inf = None, found_inf  # type: ignore[attr-defined]
        self._adamw.step()
        matrices = self.param_groups[-1]
        trained = [parameter for parameter in matrices["params"] if parameter.grad is not None]
        if not trained:
            return
        for parameter in trained:
            if not self.state[parameter]:
                self.state[parameter]["momentum"] = torch.zeros_like(parameter)
        gradients = [parameter.grad for parameter in trained]
        momenta = [self.state[parameter]["momentum"] for parameter in trained]
        rate, blend = matrices["lr"], 1 - _MOMENTUM
        if found_inf is not None:
            # 0 · infinity is NaN, so the gradients are replaced; then neither weights nor momenta move.
            keeps = found_inf == 0
            gradients = [torch.where(keeps, gradient, 0.0) for gradient in gradients]
            kept = [
                torch.where(keeps, momentum.lerp(gradient, blend), momentum)
                for momentum, gradient in zip(momenta, gradients, strict=True)
            ]
            torch._foreach_copy_(momenta, kept)
            rate = rate * keeps
        else:
            torch._foreach_lerp_(momenta, gradients, blend)
        ahead = torch._foreach_lerp(gradients, momenta, _MOMENTUM)  # Nesterov momentum
        directions = self._directions(trained, ahead)
        torch._foreach_mul_(directions, rate)
        # Divided by the scale: the decay is that of AdamW, whose learning rate is the smaller one.
        torch._foreach_mul_(trained, 1 - rate / matrices["scale"] * matrices["weight_decay"])
        torch._foreach_sub_(trained, directions)

    def _directions(self, parameters: Sequence[Tensor], ahead: Sequence[Tensor]) -> list[Tensor]:
        """Return the direction of each parameter, for a learning rate of 1, from its Nesterov momentum."""
        stacks: dict[torch.Size, list[int]] = defaultdict(list)
        wide: list[Tensor] = []
        for index, (parameter, momentum) in enumerate(zip(parameters, ahead, strict=True)):
            # Gates of a recurrent layer are independent matrices that torch stacks: each one has its own
            # singular values.
            matrices_MRC = momentum.flatten(1).unflatten(0, (self._gates.get(id(parameter), 1), -1))
            wide.append(matrices_MRC.mT if _is_tall(matrices_MRC) else matrices_MRC)
            stacks[wide[-1].shape[1:]].append(index)
        directions: list[Tensor] = [*wide]
        for indices in stacks.values():
            # One iteration for all matrices of a shape: fewer and larger products.
            stack_MRC = torch.cat([wide[index] for index in indices])
            parts = orthogonalise(stack_MRC, self._dtype).split([len(wide[index]) for index in indices])
            for index, part in zip(indices, parts, strict=True):
                parameter, gates = parameters[index], len(part)
                is_tall = len(parameter) // gates > parameter[0].numel()
                direction = (part.mT if is_tall else part).reshape(parameter.shape)
                directions[index] = torch.empty_like(parameter).copy_(direction)
                if is_tall:
                    # A change of the input of length 1 changes the output by a length that does not depend
                    # on the matrix's size, so tall matrices take a longer step.
                    directions[index].mul_(math.sqrt(part.shape[2] / part.shape[1]))
        return directions


def _is_tall(matrices_MRC: Tensor) -> bool:
    return matrices_MRC.shape[1] > matrices_MRC.shape[2]


def orthogonalise(matrices_MRC: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
    """Return approximately U·Vᵀ of each matrix U·S·Vᵀ, computed in `dtype`.

    Args:
        matrices_MRC: M matrices of R rows and C columns.
        dtype: the dtype of the iteration and of the result.

    Returns:
        M matrices of the same shape with singular values between 0.7 and 1.2; zeros where the input is 0.
    """
    a, b, c = _NEWTON_SCHULZ
    tall = _is_tall(matrices_MRC)
    x = (matrices_MRC.mT if tall else matrices_MRC).to(dtype)  # the smaller of both squares is cheaper
    # The Frobenius norm is at least the largest singular value, which the iteration needs to be at most 1.
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
    for _ in range(_NEWTON_SCHULZ_STEPS):
        square = x @ x.mT
        polynomial = torch.baddbmm(square, square, square, beta=b, alpha=c)
        x = torch.baddbmm(x, polynomial, x, beta=a)
    result: Tensor = x.mT if tall else x
    return result
