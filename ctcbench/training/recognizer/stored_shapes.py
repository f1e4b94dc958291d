"""Comparison of a recogniser with the shapes of stored weights, before anything of its size is allocated."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import torch
from torch import nn

from ctcbench.config.recipe import Recipe
from ctcbench.contract.errors import CtcbenchError, PluginError
from ctcbench.contract.specs import Alphabet

Shapes = Mapping[str, tuple[int, ...]]


class WrongShapes(CtcbenchError):
    """A recogniser does not have the shapes of the weights that it should be given."""


def require_classes(alphabet: Alphabet, shapes: Shapes) -> None:
    """Check that the classifier of the stored weights has the classes of an alphabet.

    Raises:
        WrongShapes: it has another number of them.
    """
    stored = shapes.get("classifier.weight", (0,))
    if stored[:1] != (alphabet.num_classes,):
        raise WrongShapes(
            f"the weights are for {stored[0] if stored else 0:,} classes, but the alphabet has "
            f"{alphabet.num_classes:,} with the blank"
        )


def require_shapes(recipe: Recipe, kind: Literal["backbone", "head"], context: Any, shapes: Shapes) -> None:
    """Check that a component has the shapes of the stored weights; its tensors are not allocated.

    Args:
        recipe: settings and components.
        kind: which component.
        context: the size that its builder receives.
        shapes: the shapes of all stored weights.

    Raises:
        UsageError: the builder refuses its options or the size.
        WrongShapes: a tensor has another shape than the stored one, or only one of them exists.
    """
    # Tensors of the device "meta" have a shape, but no memory.
    try:
        with torch.device("meta"):
            module = recipe.build(kind, context)
    except PluginError:
        return  # a builder that needs values of tensors; the weights are compared when they are loaded
    if not isinstance(module, nn.Module):
        return  # an error that names the plugin follows when the component is built
    own = {f"{kind}.{name}": tuple(tensor.shape) for name, tensor in module.state_dict().items()}
    stored = {name: shape for name, shape in shapes.items() if name.startswith(f"{kind}.")}
    for name in sorted(own.keys() | stored.keys()):
        if own.get(name) != stored.get(name):
            raise WrongShapes(
                f"{name} has shape {_shown(stored.get(name))} in the weights and {_shown(own.get(name))} in "
                f"{kind} {recipe.component(kind)}"
            )


def _shown(shape: tuple[int, ...] | None) -> str:
    return "none" if shape is None else "×".join(map(str, shape)) or "1"
