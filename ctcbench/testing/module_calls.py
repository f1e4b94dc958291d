"""Helpers of the rules for modules: build one, call it, compare outputs."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ctcbench.testing.case import Case


def new_module(case: Case, seed: int = 0) -> nn.Module:
    """Build the module from a seed of torch."""
    # The generator of the test session is restored. `devices=[]`: by default the states of all GPUs are saved
    # too, which initialises CUDA.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return build_module(case)


def build_module(case: Case) -> nn.Module:
    """Build the module with the current state of torch's generator."""
    built = case.build()
    rule, remedy = "its builder must return a torch.nn.Module", "return the module, not its output or class"
    case.require(isinstance(built, nn.Module), rule, type(built).__name__, remedy)
    module: nn.Module = built
    return module


def inputs_for(case: Case, n: int) -> Tensor:
    """Return images (ink 0 to 1) for a backbone, features for a head; the same for the same `n`."""
    # A generator of its own: the state of torch's is what some rules test.
    generator = torch.Generator().manual_seed(n)
    if case.component.kind == "backbone":
        return torch.rand(n, case.image.channels, case.image.height, case.image.width, generator=generator)
    return torch.randn(case.sequence.frames, n, case.sequence.features, generator=generator)


def batch_axis(case: Case) -> int:
    """Return the batch axis of inputs and outputs."""
    return 0 if case.component.kind == "backbone" else 1


def output_of(case: Case, module: nn.Module, inputs: Tensor, what: str = "be called") -> Tensor:
    """Return the output of a module; an exception means that the component can't `what`.

    The module receives a copy of `inputs`, so that one that changes them breaks the rule about that alone.
    """
    output = case.attempt(what, lambda: module(inputs.clone()))
    rule, remedy = "its forward must return a tensor", "return the features alone"
    case.require(isinstance(output, Tensor), rule, type(output).__name__, remedy)
    tensor: Tensor = output
    return tensor


@torch.no_grad()
def call(case: Case, module: nn.Module, inputs: Tensor) -> Tensor:
    """Return the output of a module, without gradients."""
    return output_of(case, module, inputs)


def trained_output(case: Case, module: nn.Module, inputs: Tensor) -> Tensor:
    """Return the output of a module in training mode, from a fixed seed."""
    with torch.random.fork_rng(devices=[]):
        # The same draws of dropout in each call.
        torch.manual_seed(7)
        return call(case, module.train(), inputs)


def distance(one: Tensor, other: Tensor) -> float:
    """Return the largest absolute difference, infinity for tensors of different shapes."""
    same_shape = one.shape == other.shape
    return float((one - other).abs().max()) if same_shape and one.numel() else float("inf")


def close(one: Tensor, other: Tensor) -> bool:
    """Return whether two outputs are equal up to rounding."""
    # The error of a sum grows with its largest terms, not with its result.
    scale = 1.0 + float(one.abs().max())
    return one.shape == other.shape and bool(torch.allclose(one, other, rtol=1e-4, atol=1e-5 * scale))
