"""SharedParts: what several trainings of one process share that differ in their seed only."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, TypeVar

import torch

from ctcbench.training.cuda.host_reads import HostReadSearch
from ctcbench.training.split import Split

T = TypeVar("T")


class SharedParts:
    """The images on the device, and what is computed from texts and settings but not from the seed.

    Attributes:
        trainings: number of trainings that share them.
        search: searches the step for what a CUDA graph can't contain, when the first of them is captured.
    """

    def __init__(self, trainings: int = 1) -> None:
        self.trainings = trainings
        self.search = HostReadSearch()
        self._made: dict[Hashable, Any] = {}

    def once(self, key: Hashable, make: Callable[[], T]) -> T:
        """Return what `make` returned for the first training with this `key`."""
        if key not in self._made:
            self._made[key] = make()
        made: T = self._made[key]
        return made

    def split(self, key: Hashable, make: Callable[[], Split]) -> Split:
        """Return the split that was made first for a `key`, which states what it holds."""
        return self.once(("split", key), lambda: _on_every_stream(make()))


def _on_every_stream(split: Split) -> Split:
    if split.device.type == "cuda":
        # The other trainings read it on streams of their own.
        torch.cuda.current_stream(split.device).synchronize()
    return split
