"""StateSnapshot: a copy of what a training step changes, to undo trial steps."""

from __future__ import annotations

import torch
from torch import Tensor

from ctcbench.training.step import TrainState


class StateSnapshot:
    """Copies of weights, statistics, averages, optimizer state, scaler state and random generators."""

    def __init__(self, state: TrainState) -> None:
        self._scaler, self._optimizer = state.scaler, state.optimizer
        self._with_state = {parameter for parameter, values in state.optimizer.state.items() if values}
        self._copies = [(tensor, tensor.detach().clone()) for tensor in _tensors(state)]
        device = state.compute.device
        self._cuda = device if device.type == "cuda" else None
        self._cpu_random = torch.get_rng_state()
        self._cuda_random = torch.cuda.get_rng_state(device) if self._cuda else None

    @torch.no_grad()
    def restore(self) -> None:
        """Write the copies back to where they were taken: a CUDA graph reads these addresses."""
        for tensor, copy in self._copies:
            tensor.copy_(copy)
        if self._scaler.is_enabled():
            # A step that ended halfway has left a note that gradients are unscaled already.
            self._scaler._per_optimizer_states.clear()
        torch.set_rng_state(self._cpu_random)
        if self._cuda is not None and self._cuda_random is not None:
            torch.cuda.set_rng_state(self._cuda_random, self._cuda)

    def remove_new_states(self) -> None:
        """Remove what the optimizer has created since; not after a capture, whose graph reads it."""
        for parameter in self._optimizer.state.keys() - self._with_state:
            del self._optimizer.state[parameter]


def _tensors(state: TrainState) -> list[Tensor]:
    found: list[Tensor | None] = [*state.model.parameters(), *state.model.buffers()]
    if state.ema is not None:
        found += [*state.ema.parameters(), *state.ema.buffers()]
    for values in state.optimizer.state.values():
        found += [value for value in values.values() if isinstance(value, Tensor)]
    if state.scaler.is_enabled():
        found += [state.scaler._scale, state.scaler._growth_tracker]
    return [tensor for tensor in found if tensor is not None]
