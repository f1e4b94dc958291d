"""The built-in optimisers: AdamW, and Muon for the matrices with AdamW for the rest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from ctcbench.contract.components import optimizer
from ctcbench.contract.model_parameters import ModelParameters

if TYPE_CHECKING:
    from torch import Tensor
    from torch.optim import Optimizer


@optimizer
def adamw(parameters: ModelParameters) -> Optimizer:
    """AdamW (Loshchilov & Hutter 2019); weight decay on matrices and kernels, not on norms and biases."""
    import torch

    # fused: one kernel for all parameters instead of several for each.
    return torch.optim.AdamW(_adamw_groups(parameters.weights, parameters), lr=parameters.lr, fused=True)


@optimizer
def muon(
    parameters: ModelParameters,
    *,
    scale: Annotated[float, Field(gt=0, le=1e6, description="Muon's learning rate, in units of lr")] = 20.0,
) -> Optimizer:
    """Muon (Jordan et al. 2024) for the matrices; AdamW for the classifiers, norms and biases."""
    import torch

    from ctcbench.builtin.muon_optimizer import Muon

    classifiers = {id(weights) for weights in parameters.classifiers}
    bfloat16 = parameters.autocast_dtype is torch.bfloat16  # float16 has too small a range for the iteration
    return Muon(
        [weights for weights in parameters.weights if id(weights) not in classifiers],
        _adamw_groups(parameters.classifiers, parameters),
        gates=parameters.recurrent_gates,
        lr=parameters.lr,
        scale=scale,
        weight_decay=parameters.weight_decay,
        dtype=torch.bfloat16 if bfloat16 else torch.float32,
    )


def _adamw_groups(weights: Sequence[Tensor], parameters: ModelParameters) -> list[dict[str, Any]]:
    # Vectors are norms and biases; decaying them pulls scales to zero without regularising anything.
    return [
        {"params": list(weights), "weight_decay": parameters.weight_decay},
        {"params": list(parameters.vectors), "weight_decay": 0.0},
    ]
