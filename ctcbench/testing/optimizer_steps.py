"""Helpers of the rules for optimizers: parameters of a small recogniser, and training steps with them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from ctcbench.contract.model_parameters import ModelParameters
from ctcbench.contract.specs import ImageSpec, SequenceSpec
from ctcbench.testing.case import ALPHABET, Case
from ctcbench.training.recipe_optimizer import group_parameters
from ctcbench.training.recognizer.network import Recognizer

LR = 3e-3


class _Head(nn.Module):
    """A recurrent layer, for the group of recurrent gates."""

    def __init__(self) -> None:
        super().__init__()
        self.rnn = nn.GRU(12, 5, bidirectional=True)

    def forward(self, feats_TNF: Tensor) -> Tensor:
        """Return feats_TND."""
        feats_TND: Tensor = self.rnn(feats_TNF)[0]
        return feats_TND


def model_parameters() -> ModelParameters:
    """Return the parameters of a small recogniser, the same each time, with a weight decay."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        # A convolution, a norm, a recurrent layer and a classifier: every group of ModelParameters has
        # members.
        backbone = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4))
        image, sequence, output = ImageSpec(3, 8), SequenceSpec(8, 12), SequenceSpec(8, 10)
        model = Recognizer(backbone, _Head(), image, sequence, output, ALPHABET, "sum")
    return group_parameters(model, lr=LR, weight_decay=0.01)


def build_optimizer(case: Case, parameters: ModelParameters) -> torch.optim.Optimizer:
    """Return the optimizer of the case for these parameters."""
    built = case.attempt("be built", lambda: case.component(parameters, **case.options))
    rule, remedy = "its builder must return a torch.optim.Optimizer", "return the optimizer, not its class"
    case.require(isinstance(built, torch.optim.Optimizer), rule, type(built).__name__, remedy)
    optimizer: torch.optim.Optimizer = built
    return optimizer


def all_parameters(parameters: ModelParameters) -> tuple[nn.Parameter, ...]:
    """Return every parameter once, the weights first."""
    return (*parameters.weights, *parameters.vectors)


def copy_parameters(parameters: ModelParameters) -> list[Tensor]:
    """Return copies of the values of every parameter, in the order of `all_parameters`."""
    return [parameter.detach().clone() for parameter in all_parameters(parameters)]


def do_step(
    case: Case,
    optimizer: torch.optim.Optimizer,
    parameters: ModelParameters,
    number: int,
    *,
    lr: float = LR,
    size: float = 1.0,
    with_gradient: Callable[[int], bool] = lambda index: True,
) -> None:
    """Do a step as training does, with random gradients that depend on its number alone."""
    generator = torch.Generator().manual_seed(number)
    optimizer.zero_grad(set_to_none=True)
    for index, parameter in enumerate(all_parameters(parameters)):
        gradient = torch.randn(parameter.shape, generator=generator) * size
        parameter.grad = gradient if with_gradient(index) else None
    set_rates(optimizer, lr)
    with torch.random.fork_rng(devices=[]):
        # Stochastic optimizers draw from torch, which a resumed run seeds by the step.
        torch.manual_seed(number)
        case.attempt("do a step", optimizer.step)


def set_rates(optimizer: torch.optim.Optimizer, lr: float) -> None:
    """Set the learning rate of every group as training does, from the scheduled rate `lr`."""
    for group in optimizer.param_groups:
        group["lr"] = lr * group.get("scale", 1.0)


def largest_change(parameters: ModelParameters | Sequence[Tensor], before: Sequence[Tensor]) -> float:
    """Return the largest change, NaN where a parameter is not finite."""
    after: Sequence[Tensor]
    after = all_parameters(parameters) if isinstance(parameters, ModelParameters) else parameters
    changes = [(one.detach() - old).abs().max() for one, old in zip(after, before, strict=True)]
    return float(torch.stack(changes).max())
