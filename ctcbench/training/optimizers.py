"""The optimisers: AdamW, and Muon for the matrices with AdamW for the rest."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from ctcbench.config.run_config import RunConfig
from ctcbench.training.device import Compute
from ctcbench.training.recognizer.network import Recognizer

# An odd polynomial that drives every singular value from (0, 1] to about 1 in few steps: the slope
# at 0 is steep, at the price of ending between 0.7 and 1.2 (Jordan et al. 2024).
_NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)
_NEWTON_SCHULZ_STEPS = 5
_MOMENTUM = 0.9


def make_optimizer(model: Recognizer, config: RunConfig, compute: Compute) -> torch.optim.Optimizer:
    """Return the optimiser that a configuration names; each group's ``scale`` multiplies its rate."""
    # Norms and biases are vectors; decaying them pulls scales to zero without regularising anything.
    vectors = [p for p in model.parameters() if p.ndim < 2]
    matrices = [p for p in model.parameters() if p.ndim >= 2]
    linear = [module for module in (model.classifier, model.bypass) if module is not None]
    classifiers = {id(module.weight) for module in linear}
    if config.optimizer == "adamw":
        return torch.optim.AdamW(_adamw_groups(matrices, vectors, config), lr=config.lr, fused=True)
    inner = [p for p in matrices if id(p) not in classifiers]
    outer = [p for p in matrices if id(p) in classifiers]
    dtype = compute.amp_dtype if compute.amp_dtype is torch.bfloat16 else torch.float32
    return Muon(inner, _gates(model), _adamw_groups(outer, vectors, config), config, dtype)


def _adamw_groups(
    matrices: Sequence[Tensor], vectors: Sequence[Tensor], config: RunConfig
) -> list[dict[str, Any]]:
    return [
        {"params": list(matrices), "weight_decay": config.weight_decay, "scale": 1.0},
        {"params": list(vectors), "weight_decay": 0.0, "scale": 1.0},
    ]


def _gates(model: nn.Module) -> dict[int, int]:
    """Return how many matrices lie stacked in the weights of a recurrent layer, by the weights' id."""
    return {
        id(weights): len(weights) // layer.hidden_size
        for layer in model.modules()
        if isinstance(layer, nn.RNNBase)
        for name, weights in layer.named_parameters()
        if name.startswith(("weight_ih", "weight_hh"))  # the projection of an LSTM is one matrix
    }


class Muon(torch.optim.Optimizer):
    """Momentum whose direction is made orthogonal, for matrices; AdamW for all else (Jordan et al. 2024).

    A step along U·Vᵀ of the momentum U·S·Vᵀ moves every direction of a weight matrix by the same
    amount, rare ones too, where the gradient's own length would be that of its few strongest ones.
    A convolution's kernel is a matrix of outputs × (inputs · rows · columns); ``gates`` says, by id,
    of how many matrices on top of each other a parameter is made. What is no matrix, and the
    classifiers, whose rows are classes of their own, go to AdamW.
    """

    def __init__(
        self,
        matrices: Sequence[Tensor],
        gates: Mapping[int, int],
        adamw_groups: list[dict[str, Any]],
        config: RunConfig,
        dtype: torch.dtype,
    ) -> None:
        self._adamw = torch.optim.AdamW(adamw_groups, lr=config.lr, fused=True)
        self._gates, self._dtype = gates, dtype
        defaults = {"lr": config.lr, "scale": config.muon_scale}
        super().__init__([{"params": list(matrices), "weight_decay": config.weight_decay}], defaults)
        # One list of groups and one state for both, so that rates and checkpoints see one optimiser.
        self.param_groups = self._adamw.param_groups + self.param_groups
        self._adamw.state = self.state

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """Move every parameter that has a gradient."""
        self._adamw.step()
        matrices = self.param_groups[-1]
        for parameter in matrices["params"]:
            if parameter.grad is None:
                continue
            state = self.state[parameter]
            if not state:
                state["momentum"] = torch.zeros_like(parameter)
            momentum = state["momentum"].lerp_(parameter.grad, 1 - _MOMENTUM)
            ahead = parameter.grad.lerp(momentum, _MOMENTUM)  # Nesterov's look ahead
            gates = self._gates.get(id(parameter), 1)
            direction = orthogonal(ahead.flatten(1).unflatten(0, (gates, -1)), self._dtype)
            rows, columns = direction.shape[1:]
            # So that a change of the input of length 1 changes the output by a length that hangs on
            # neither size: tall matrices take a longer step.
            rate = matrices["lr"] * math.sqrt(max(1.0, rows / columns))
            parameter.mul_(1 - matrices["lr"] / matrices["scale"] * matrices["weight_decay"])
            parameter.add_(direction.reshape(parameter.shape).to(parameter.dtype), alpha=-rate)


def orthogonal(matrices_MRC: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
    """Return about U·Vᵀ of each matrix U·S·Vᵀ, its singular values between 0.7 and 1.2, in `dtype`."""
    a, b, c = _NEWTON_SCHULZ
    tall = matrices_MRC.shape[1] > matrices_MRC.shape[2]
    x = (matrices_MRC.mT if tall else matrices_MRC).to(dtype)  # the smaller square is the cheaper one
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
    for _ in range(_NEWTON_SCHULZ_STEPS):
        square = x @ x.mT
        x = a * x + (b * square + c * square @ square) @ x
    turned_back: Tensor = x.mT if tall else x
    return turned_back
