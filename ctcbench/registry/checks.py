"""Checks of what a plugin's builders and components return; each error names the plugin's owner first.

Modules that need torch import it inside their functions, as the registry is loaded without it.
"""

from __future__ import annotations

from ctcbench.contract.errors import PluginError
from ctcbench.contract.model_parameters import ModelParameters


def require_optimizer(owner: str, built: object, parameters: ModelParameters) -> None:
    """Check what the builder of an optimizer returned.

    Raises:
        PluginError: it is not a torch optimizer, or one of its groups holds a parameter that is not the
            model's, or a parameter is in no group or in two.
    """
    import torch

    if not isinstance(built, torch.optim.Optimizer):
        raise PluginError(
            f"{owner}: its builder returned {type(built).__name__}, not a torch.optim.Optimizer"
        )
    held = [id(parameter) for group in built.param_groups for parameter in group["params"]]
    trained = {id(p): p for p in (*parameters.weights, *parameters.vectors) if p.requires_grad}
    known = {id(p) for p in (*parameters.weights, *parameters.vectors)}
    if missing := [tuple(p.shape) for key, p in trained.items() if key not in held]:
        raise PluginError(
            f"{owner}: {len(missing)} of {len(trained)} parameters are in none of its groups, the first of "
            f"shape {missing[0]}; give it all of parameters.weights and parameters.vectors"
        )
    if len(held) != len(set(held)) or not set(held) <= known:
        raise PluginError(
            f"{owner}: its groups hold {len(held)} tensors, of which {len(set(held) & known)} are parameters "
            f"of the model; each must be there once, and nothing else"
        )
