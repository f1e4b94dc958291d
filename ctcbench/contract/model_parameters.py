"""The parameters of a recogniser in named groups: what the builder of an optimizer receives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch
    from torch.nn import Parameter


# eq=False: comparing tensors with == returns a tensor, not a bool.
@dataclass(frozen=True, eq=False)
class ModelParameters:
    """The parameters of a recogniser in named groups, and the settings that a torch optimizer is built with.

    Each parameter is in exactly one of the groups `matrices`, `recurrent_gates`, `classifiers` and
    `vectors`; every group is in the order of the model.

    Attributes:
        matrices: weights of two or more dimensions that are in no other group: the kernels of convolutions
            (outputs, inputs, rows, columns) and the weights of linear layers (outputs, inputs).
        recurrent_gates: the weights ``weight_ih`` and ``weight_hh`` of recurrent layers, each mapped to its
            number of gates. Each gate is a matrix of its own; a weight of G gates is (G · hidden, inputs).
        classifiers: the weights of the linear layers whose outputs are logits, (K, features).
        vectors: parameters of fewer than two dimensions: biases, and the scales and shifts of norms.
        weights: `matrices`, `recurrent_gates` and `classifiers` together, in the order of the model.
        lr: the highest learning rate of the run. The training step sets the rate of each parameter group
            before each step, to the scheduled rate times the group's ``scale`` (1 where it has none).
        weight_decay: the weight decay of the run, 0 for none. It is meant for weights, not for vectors.
        autocast_dtype: the dtype of mixed precision, None where the run computes in float32 throughout.
    """

    matrices: tuple[Parameter, ...]
    recurrent_gates: Mapping[Parameter, int]
    classifiers: tuple[Parameter, ...]
    vectors: tuple[Parameter, ...]
    weights: tuple[Parameter, ...]
    lr: float
    weight_decay: float
    autocast_dtype: torch.dtype | None = None
