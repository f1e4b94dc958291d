"""Lower bound of a step's time, from its arithmetic, memory traffic and kernel launches."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode, _disable_current_modes
from torch.utils._pytree import tree_leaves

from ctcbench.benchmarks.rates import launch_seconds, matrix_rate, memory_rate
from ctcbench.training.device import Compute

# Operators that allocate memory without reading or writing it.
_ALLOCATIONS = ("empty", "new_empty", "empty_like", "empty_strided", "new_empty_strided")


@dataclass(frozen=True)
class Floor:
    """Work of a step, and the rates of the device that does it.

    Attributes:
        flops: arithmetic of the step, as in `StepTimes`.
        traffic_bytes: bytes that its operators read and write, summed over the operators.
        operators: number of its operators without views. A recurrent layer counts as the operators into
            which torch expands it on this device.
        saved_bytes: memory that the forward pass keeps for the backward pass.
    """

    flops: int
    traffic_bytes: int
    operators: int
    saved_bytes: int
    flops_per_second: float
    bytes_per_second: float
    launch_seconds: float

    def milliseconds(self) -> dict[str, float]:
        """Return the lower bound by each of the three rates; the largest bounds the step's time."""
        return {
            "arithmetic": 1000 * self.flops / self.flops_per_second,
            "memory": 1000 * self.traffic_bytes / self.bytes_per_second,
            "launches": 1000 * self.operators * self.launch_seconds,
        }


def find_floor(step: Callable[[], object], parameters: list[Tensor], flops: int, compute: Compute) -> Floor:
    """Return the floor of `step`, which is called once; `flops` is its arithmetic."""
    saved: dict[int, int] = {}
    # Parameters exist anyway; only what a step keeps in addition counts.
    kept = {parameter.untyped_storage().data_ptr() for parameter in parameters}

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in kept:
            # By storage: views of one tensor are saved several times, but take its memory once.
            saved[storage.data_ptr()] = storage.nbytes()
        return tensor

    with _Traffic() as traffic, torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        step()
    return Floor(
        flops,
        traffic.bytes,
        traffic.operators,
        sum(saved.values()),
        matrix_rate(compute),
        memory_rate(compute),
        launch_seconds(compute),
    )


def uncounted(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that calls `function` without its operators being counted.

    For a loss that takes its lengths on the CPU: while operators are counted, torch's own CTC on a GPU
    requires them there.
    """

    def call(*arguments: Any) -> Any:
        with _disable_current_modes():
            return function(*arguments)

    return call


class _Traffic(TorchDispatchMode):
    """Counts the operators that are called, and the bytes of their inputs and outputs."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.operators = self.bytes = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        tensors = [leaf for leaf in tree_leaves((args, kwargs, result)) if isinstance(leaf, Tensor)]
        # Views and allocations move no bytes and launch no kernel.
        if not func.is_view and func.overloadpacket.__name__ not in _ALLOCATIONS and tensors:
            self.operators += 1
            # The storage of an expanded tensor is smaller than its elements.
            self.bytes += sum(min(t.numel() * t.itemsize, t.untyped_storage().nbytes()) for t in tensors)
        return result
