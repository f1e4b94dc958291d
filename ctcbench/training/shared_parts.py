"""SharedParts: what several trainings of one process share that differ in their seed only."""

from __future__ import annotations

from collections.abc import Callable, Hashable

import torch

from ctcbench.training.cuda.host_reads import HostReadSearch
from ctcbench.training.split import Split


class SharedParts:
    """The images on the device, and the search of the step for what a CUDA graph can't contain.

    Attributes:
        trainings: number of trainings that share them.
        search: searches the step when the first of them is captured.
    """

    def __init__(self, trainings: int = 1) -> None:
        self.trainings = trainings
        self.search = HostReadSearch()
        self._splits: dict[Hashable, Split] = {}

    def split(self, key: Hashable, make: Callable[[], Split]) -> Split:
        """Return the split that was made first for a `key`, which states what it holds."""
        if key not in self._splits:
            made = self._splits[key] = make()
            if made.device.type == "cuda":
                # The other trainings read it on streams of their own.
                torch.cuda.current_stream(made.device).synchronize()
        return self._splits[key]
