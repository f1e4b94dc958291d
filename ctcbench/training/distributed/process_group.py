"""The processes that train one model together, and what they say to each other; no torch in here."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from ctcbench.training.distributed import process_rank as launch

if TYPE_CHECKING:
    from torch import Tensor, nn

    from ctcbench.training.device import Compute
    from ctcbench.training.recognizer.model import Recognizer

T = TypeVar("T")


class Group:
    """A group of one: the ordinary training, in which nobody is waited for and every question is answered.

    `ctcbench.training.distributed.torch_group.SeveralProcesses` is the other kind. Each method but `part` is
    called by all processes of a group at the same point, or by none.
    """

    place = launch.ALONE
    backend: str | None = None

    @property
    def is_first(self) -> bool:
        """Whether this process is the one that writes, reads validation and talks for all."""
        return self.place.is_first

    def describe(self) -> str:
        """Return what a device's description goes on with: nothing, or `` over 2 processes (gloo)``."""
        return ""

    def share(self, value: T) -> T:
        """Return the first process's `value` (anything that JSON knows)."""
        return value

    def any(self, flag: bool) -> bool:
        """Say whether the flag of any process is set; none goes on before all have asked."""
        return flag

    def in_turn(self, do: Callable[[], T]) -> T:
        """Do something in the first process of each machine, and then in the others."""
        return do()

    def require_same(self, facts: Mapping[str, Any]) -> None:
        """Check that what the training depends on is the same in all processes.

        Raises:
            UsageError: names what differs.
        """

    @contextlib.contextmanager
    def copy_of(self, path: Path) -> Iterator[Path | None]:
        """Give a path to the first process's file `path`, or None where there is none."""
        yield path if path.exists() else None

    def part(self, indices_N: NDArray[np.int64]) -> tuple[NDArray[np.int64], float]:
        """Return this process's part of a batch, and the weight of its mean.

        The mean over the processes of weight · (mean over the part) is the mean over the batch.
        """
        return indices_N, 1.0

    def prepare(self, model: Recognizer, compute: Compute) -> None:
        """Make the model's batch norms those of the images of all processes, before it moves to a device."""

    def network(self, model: nn.Module, compute: Compute) -> nn.Module:
        """Return what computes `model` in training, gradients being averaged over the processes."""
        return model

    def mean(self, values: Tensor) -> Tensor:
        """Return the mean of the `values` of all processes."""
        return values


ALONE = Group()
