"""ProcessGroup: communication between the processes that train one model. Importable without torch."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from ctcbench.training.distributed.process_rank import SINGLE_PROCESS, ProcessRank

if TYPE_CHECKING:
    from torch import Tensor, nn

    from ctcbench.training.device import Compute
    from ctcbench.training.recognizer.network import Recognizer

T = TypeVar("T")


class ProcessGroup:
    """Group of a single process: every operation returns its argument.

    `ctcbench.training.distributed.torch_process_group.TorchProcessGroup` is the group of several
    processes. Every method but `shard` and `describe_suffix` is collective: all processes of the group
    call it at the same point, or none does.
    """

    process_rank: ProcessRank = SINGLE_PROCESS
    backend: str | None = None

    @property
    def rank(self) -> int:
        """Rank of this process over all machines, counted from 0."""
        return self.process_rank.rank

    @property
    def world_size(self) -> int:
        """Number of processes over all machines."""
        return self.process_rank.size

    @property
    def is_main(self) -> bool:
        """Whether this is the process of rank 0, which writes files, validates and reports."""
        return self.process_rank.is_main

    def describe_suffix(self) -> str:
        """Return the text to append to a device's description: empty for a single process."""
        return ""

    def broadcast(self, value: T) -> T:
        """Return the main process's `value`, which JSON must be able to represent."""
        return value

    def any_process(self, flag: bool) -> bool:
        """Return whether `flag` is set in any process; a barrier as well."""
        return flag

    def main_process_first(self, function: Callable[[], T]) -> T:
        """Call `function` in the main process of each machine, then in the others; return its result."""
        # For drawing: the main process fills the cache of its machine, in which the others find the images.
        return function()

    def require_same(self, facts: Mapping[str, Any]) -> None:
        """Check that `facts` are the same in all processes.

        Raises:
            UsageError: a fact differs; the message names it.
        """

    def broadcast_content(self, content: bytes | None) -> bytes | None:
        """Return the main process's `content` of a file, None if it has no such file."""
        return content

    def shard(self, indices_N: NDArray[np.int64]) -> tuple[NDArray[np.int64], float]:
        """Return this process's shard of a batch's indices, and the weight of the shard's mean.

        The mean over the processes of weight · (mean over the shard) is the mean over the batch.
        """
        return indices_N, 1.0

    def synchronise_batch_norm(self, model: Recognizer, compute: Compute) -> None:
        """Replace the batch norms of a model on the CPU by ones that use the images of all processes."""

    def wrap_network(self, model: nn.Module, compute: Compute) -> nn.Module:
        """Return a module that computes `model` and averages its gradients over the processes."""
        return model

    def defer_average(self) -> AbstractContextManager[object]:
        """Return a context in which a backward pass adds to this process's gradients alone.

        The next backward pass outside of it averages their sum over the processes.
        """
        return contextlib.nullcontext()

    def all_reduce_mean(self, values: Tensor) -> Tensor:
        """Return the mean over the processes of `values`, element by element."""
        return values


SINGLE_PROCESS_GROUP = ProcessGroup()
