"""HostReads: finds operations of a training step that a CUDA graph can't contain, without a GPU too."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Hashable, Iterator
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from ctcbench.training.step import TrainState

_READS_VALUE = "reads the value of a tensor on the host (.item(), or `if` on a tensor)"
_SIZE_OF_VALUES = "has a result whose size depends on values"
_REASONS = {
    "_local_scalar_dense": _READS_VALUE,
    "is_nonzero": _READS_VALUE,
    "equal": _READS_VALUE,
    "_ctc_loss": "reads lengths on the host (torch's own CTC)",
    "_cudnn_ctc_loss": "reads lengths on the host (torch's own CTC)",
    "nonzero": _SIZE_OF_VALUES,
    "masked_select": _SIZE_OF_VALUES,
    "bincount": _SIZE_OF_VALUES,
    "_unique2": _SIZE_OF_VALUES,
    "unique_dim": _SIZE_OF_VALUES,
    "unique_consecutive": _SIZE_OF_VALUES,
}


class HostReads(TorchDispatchMode):
    """Records operations that read a tensor on the host, or compute with one that is there.

    Attributes:
        part: name of the part of the step that runs.
        found: what was found, ``<part> <reason>``, each once and in order.
        operators: names of all operators in order; they differ if a step depends on the host's state.
    """

    def __init__(self, device: torch.device) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.part = "the step"
        self.found: list[str] = []
        self.operators: list[str] = []
        self._on_cpu = device.type == "cpu"

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        name = func.overloadpacket.__name__
        self.operators.append(name)
        if reason := self._reason(name, args, kwargs or {}, result):
            text = f"{self.part} {reason}"
            if text not in self.found:
                self.found.append(text)
        return result

    def _reason(self, name: str, args: Any, kwargs: Any, result: Any) -> str:
        """Return why a graph can't contain an operation, or an empty text."""
        if name in _REASONS:
            return _REASONS[name]
        # With a mask as index, and with a tensor of repeats, the host must know the size of the result.
        if name in ("index", "index_put", "index_put_", "_index_put_impl_") and any(
            index is not None and index.dtype in (torch.bool, torch.uint8) for index in args[1]
        ):
            return _SIZE_OF_VALUES
        if name == "repeat_interleave" and kwargs.get("output_size") is None:
            return _SIZE_OF_VALUES
        if self._on_cpu:
            return ""
        given, made = _device_types((args, kwargs)), _device_types(result)
        if "cpu" in given:
            # A graph would repeat the value of the capture for ever, or read freed memory.
            return "computes with a tensor on the CPU"
        return "copies to the CPU" if given and "cpu" in made else ""


def _device_types(tree: Any) -> set[str]:
    return {leaf.device.type for leaf in tree_leaves(tree) if isinstance(leaf, Tensor)}


class HostReadSearch:
    """The search for host reads in the steps of equal trainings, carried out once for all of them."""

    def __init__(self) -> None:
        self._found: dict[Hashable, list[str]] = {}

    def find(self, state: TrainState, body: Callable[[TrainState], object], *, key: Hashable) -> list[str]:
        """Return what `find_host_reads` finds in a step, or has found in one of the same `key`."""
        if key not in self._found:
            self._found[key] = find_host_reads(state, body)
        return self._found[key]


def find_host_reads(state: TrainState, body: Callable[[TrainState], object]) -> list[str]:
    """Run the body of a step a few times, and return what a CUDA graph can't contain, by part and owner.

    The body changes the state; the caller restores it.
    """
    sequences = []
    for _ in range(3):
        reads = HostReads(state.compute.device)
        with _attributed(state, reads) as watched, reads:
            body(watched)
        sequences.append(reads.operators)
        if reads.found:
            return reads.found
    # Random decisions of Python, for example; a graph would repeat those of the capture. The first step may
    # differ, as modules can create tensors in it.
    return [] if sequences[1] == sequences[2] else ["the network computes other operations in each step"]


@contextlib.contextmanager
def _attributed(state: TrainState, reads: HostReads) -> Iterator[TrainState]:
    """Yield a copy of `state` whose parts set `reads.part`; hooks of its modules are removed afterwards."""
    recipe = state.recipe

    def named(part: str, function: Callable[..., Any], then: str = "the step") -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            reads.part = part
            result = function(*arguments)
            reads.part = then
            return result

        return call

    def enter(part: str) -> Callable[..., None]:
        def hook(*_: Any) -> None:
            reads.part = part

        return hook

    handles: list[Any] = []
    for kind, module in (("backbone", state.model.backbone), ("head", state.model.head)):
        handles.append(module.register_forward_pre_hook(enter(recipe.describe_owner(kind))))  # type: ignore[arg-type]
        handles.append(module.register_forward_hook(enter("the step")))
    optimizer = state.optimizer
    handles.append(optimizer.register_step_pre_hook(enter(recipe.describe_owner("optimizer"))))
    handles.append(optimizer.register_step_post_hook(enter("the step")))
    objective: Any = named(recipe.describe_owner("loss"), state.objective, "the backward pass")
    augment: Any = named(recipe.describe_owner("augmentation"), state.augment)
    try:
        # Without the compiled or wrapped network, which compiles nothing while a dispatch mode is active.
        yield replace(state, network=state.model, objective=objective, augment=augment)
    finally:
        for handle in handles:
            handle.remove()


def find_obstacles(state: TrainState) -> list[str]:
    """Return what is known, without a step, to prevent a CUDA graph, by component and owner."""
    found = []
    if state.group.world_size > 1:
        found.append("several processes train together")
    if state.objective.obstacle:
        found.append(state.objective.obstacle)
    if not state.augment.on_device:
        found.append(f"{state.augment.owner} takes its widths on the CPU")
    owner = state.recipe.describe_owner("optimizer")
    # torch's convention: its optimizers that a graph can contain have this key.
    if not all("capturable" in group for group in state.optimizer.param_groups):
        found.append(f"{owner} has parameter groups without torch's key 'capturable'")
    elif state.scaler.is_enabled() and not getattr(state.optimizer, "_step_supports_amp_scaling", False):
        found.append(f"{owner} makes float16's gradient scaler read on the host whether to skip a step")
    return found
