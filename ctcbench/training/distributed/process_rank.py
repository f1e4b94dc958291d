"""How this process was started: by itself, or by torchrun as one of several that train one model."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass

from ctcbench.contract.errors import CtcbenchError, Interrupted, UsageError

_RANK, _SIZE, _LOCAL_RANK, _LOCAL_SIZE = "RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE"
_NEEDED = (_RANK, _LOCAL_RANK, _LOCAL_SIZE, "MASTER_ADDR", "MASTER_PORT")


@dataclass(frozen=True)
class Place:
    """Which process of how many this is, over all machines and on this one, counted from 0."""

    rank: int = 0
    size: int = 1
    local_rank: int = 0
    local_size: int = 1

    @property
    def is_first(self) -> bool:
        """Whether it is the one that writes, reads and talks for all."""
        return self.rank == 0

    @property
    def is_first_here(self) -> bool:
        """Whether it is the first of its machine, which draws images for the others there."""
        return self.local_rank == 0


ALONE = Place()


class GroupLost(CtcbenchError):
    """Another process of the training has ended, and this one can't go on alone."""


def place(environment: Mapping[str, str] = os.environ) -> Place:
    """Return this process's place as torchrun's environment variables give it; without them, alone.

    Raises:
        UsageError: several processes are to train together, but not all of the variables are there.
    """
    try:
        size = int(environment.get(_SIZE, 1))
        # WORLD_SIZE alone is also what other launchers leave in the environment of whatever they start.
        if size == 1 or _RANK not in environment:
            return ALONE
        if missing := [name for name in _NEEDED if name not in environment]:
            raise UsageError(
                f"{_SIZE}={size} without {missing[0]}: start the processes of one training by torchrun, "
                f"or unset {_SIZE} to train alone"
            )
        numbers = [int(environment[name]) for name in (_RANK, _LOCAL_RANK, _LOCAL_SIZE)]
    except ValueError as error:
        raise UsageError(
            f"{_SIZE}, {_RANK}, {_LOCAL_RANK}, {_LOCAL_SIZE}: {error}; torchrun sets them"
        ) from None
    rank, local_rank, local_size = numbers
    if not (0 <= rank < size and 0 <= local_rank < local_size <= size):
        raise UsageError(
            f"process {rank} of {size}, here {local_rank} of {local_size}: such a process there can't be; "
            f"torchrun sets {_SIZE}, {_RANK}, {_LOCAL_RANK}, {_LOCAL_SIZE}"
        )
    return Place(rank, size, local_rank, local_size)


def started_by_torchrun() -> bool:
    """Say whether this is one of several processes; never raises."""
    try:
        return place().size > 1
    except UsageError:
        return False


def has_the_word(error: BaseException) -> bool:
    """Say whether this process is to say why it ends with `error`: one of a machine does.

    A mistake in the settings is found by all processes at once. The machine's first says so at once,
    whereupon torchrun ends the others, so they wait for that; one that is still there after it has an
    error of its own. What came from outside, a stop or a process that is gone, is the first's to say.
    """
    if not started_by_torchrun() or place().is_first_here:
        return True
    theirs = isinstance(error, GroupLost | Interrupted | KeyboardInterrupt)
    time.sleep(_SHORT_SECONDS if theirs else _LONG_SECONDS)
    return not theirs


# Long enough for a slow start of the first process, short enough for a person who waits for the error.
_SHORT_SECONDS, _LONG_SECONDS = 2.0, 15.0
