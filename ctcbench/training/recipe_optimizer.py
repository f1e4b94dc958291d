"""The optimizer of a run: built from its component, and its state as the tensors of a checkpoint."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from ctcbench.config.recipe import Recipe
from ctcbench.contract.errors import PluginError
from ctcbench.contract.model_parameters import ModelParameters
from ctcbench.registry.component_checks import require_optimizer
from ctcbench.training.recognizer.network import Recognizer


def build_optimizer(recipe: Recipe, parameters: ModelParameters) -> torch.optim.Optimizer:
    """Build the optimizer of a recipe.

    Raises:
        UsageError: an option is wrong.
        PluginError: the builder failed, or did not return a torch optimizer that holds each parameter
            exactly once; the message names the owner.
    """
    optimizer: torch.optim.Optimizer = recipe.build("optimizer", parameters)
    require_optimizer(recipe.describe_owner("optimizer"), optimizer, parameters)
    for group in optimizer.param_groups:
        # The step sets lr to the schedule's rate times scale, so that groups can have rates of their own.
        group.setdefault("scale", 1.0)
    return optimizer


def group_parameters(
    model: Recognizer, lr: float, weight_decay: float, autocast_dtype: torch.dtype | None = None
) -> ModelParameters:
    """Return the parameters of a model that are trained, in named groups, with the settings of the run.

    Args:
        model: the recogniser.
        lr: peak learning rate.
        weight_decay: decay per step, in units of the learning rate.
        autocast_dtype: number format of mixed precision, None for float32.
    """
    # Optimizers treat the groups differently: Muon, for example, orthogonalises the update of a matrix, that
    # of each gate of a recurrent layer by itself, and leaves classifiers and vectors to AdamW.
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    linear = [module for module in (model.classifier, model.bypass) if module is not None]
    classifiers = {id(module.weight) for module in linear}
    gates = count_gates(model)
    counted = {id(parameter) for parameter in gates}
    weights = [p for p in parameters if p.ndim >= 2]
    return ModelParameters(
        matrices=tuple(p for p in weights if id(p) not in classifiers | counted),
        recurrent_gates=gates,
        classifiers=tuple(p for p in weights if id(p) in classifiers),
        vectors=tuple(p for p in parameters if p.ndim < 2),
        weights=tuple(weights),
        lr=lr,
        weight_decay=weight_decay,
        autocast_dtype=autocast_dtype,
    )


def count_gates(model: nn.Module) -> dict[nn.Parameter, int]:
    """Return the number of gate matrices stacked in each weight of a model's recurrent layers."""
    return {
        weights: len(weights) // layer.hidden_size
        for layer in model.modules()
        if isinstance(layer, nn.RNNBase)
        for name, weights in layer.named_parameters()
        if weights.requires_grad
        and name.startswith(("weight_ih", "weight_hh"))  # the projection of an LSTM is one matrix
    }


def optimizer_tensors(optimizer: torch.optim.Optimizer, owner: str = "") -> dict[str, Tensor]:
    """Return an optimizer's state as named tensors, ``<index of the parameter>.<name>``.

    Args:
        optimizer: the optimizer.
        owner: the beginning of an error; empty: the optimizer's class.

    Raises:
        PluginError: a value of the state is not a tensor.
    """
    tensors: dict[str, Tensor] = {}
    # Numbered over all groups, since a group's parameters have no names.
    for index, parameter in enumerate(_parameters(optimizer)):
        for name, value in optimizer.state[parameter].items():
            if not isinstance(value, Tensor):
                raise PluginError(
                    f"{owner or f'optimizer {type(optimizer).__name__}'}: its state {name!r} is "
                    f"{type(value).__name__}; a checkpoint stores tensors only: use torch.tensor({name})"
                )
            tensors[f"{index}.{name}"] = value
    return tensors


def restore_optimizer(optimizer: torch.optim.Optimizer, tensors: Mapping[str, Tensor]) -> None:
    """Set an optimizer's state to that of `optimizer_tensors`."""
    for index, parameter in enumerate(_parameters(optimizer)):
        prefix = f"{index}."
        optimizer.state[parameter] = {
            # In the memory format of the parameter, or the fused kernel would pair wrong elements.
            name.removeprefix(prefix): torch.empty_like(parameter).copy_(value)
            if value.shape == parameter.shape
            else value.to(parameter.device, copy=True)
            for name, value in tensors.items()
            if name.startswith(prefix)
        }


def _parameters(optimizer: torch.optim.Optimizer) -> list[Tensor]:
    return [parameter for group in optimizer.param_groups for parameter in group["params"]]
