"""Rank of this process among those that train one model, read from torchrun's environment variables."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass

from ctcbench.contract.errors import CtcbenchError, UsageError
from ctcbench.processes.signals import Interrupted

_RANK, _SIZE, _LOCAL_RANK, _LOCAL_SIZE = "RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE"
_NEEDED = (_RANK, _LOCAL_RANK, _LOCAL_SIZE, "MASTER_ADDR", "MASTER_PORT")
# How long another process waits for the local main process to report the error: long enough for a slow
# start of it, short enough for a person who waits.
_EXTERNAL_ERROR_SECONDS, _OWN_ERROR_SECONDS = 2.0, 15.0


@dataclass(frozen=True)
class ProcessRank:
    """Rank and number of processes, over all machines and on this machine; ranks count from 0."""

    rank: int = 0
    size: int = 1
    local_rank: int = 0
    local_size: int = 1

    @property
    def is_main(self) -> bool:
        """Whether this is the process of rank 0, which writes files, validates and reports."""
        return self.rank == 0

    @property
    def is_local_main(self) -> bool:
        """Whether this is the process of rank 0 on its machine, which draws images for the others there."""
        return self.local_rank == 0


SINGLE_PROCESS = ProcessRank()


class ProcessGroupLost(CtcbenchError):
    """Another process of the training has ended, and this one can't continue without it."""


def read_process_rank(environment: Mapping[str, str] = os.environ) -> ProcessRank:
    """Return the rank that torchrun's environment variables state, or that of a single process.

    Raises:
        UsageError: the environment describes several processes, but a variable is missing, or
            their values contradict each other.
    """
    try:
        size = int(environment.get(_SIZE, 1))
        # Other launchers too set WORLD_SIZE, for programs that are not part of a process group.
        if size == 1 or _RANK not in environment:
            return SINGLE_PROCESS
        if missing := [name for name in _NEEDED if name not in environment]:
            raise UsageError(
                f"{_SIZE}={size} without {missing[0]}: start the processes of one training by torchrun, "
                f"or unset {_SIZE} to train in a single process"
            )
        numbers = [int(environment[name]) for name in (_RANK, _LOCAL_RANK, _LOCAL_SIZE)]
    except ValueError as error:
        raise UsageError(
            f"{_SIZE}, {_RANK}, {_LOCAL_RANK}, {_LOCAL_SIZE}: {error}; torchrun sets them"
        ) from None
    rank, local_rank, local_size = numbers
    if not (0 <= rank < size and 0 <= local_rank < local_size <= size):
        raise UsageError(
            f"rank {rank} of {size} processes, local rank {local_rank} of {local_size}: not possible; "
            f"torchrun sets {_SIZE}, {_RANK}, {_LOCAL_RANK}, {_LOCAL_SIZE}"
        )
    return ProcessRank(rank, size, local_rank, local_size)


def started_by_torchrun() -> bool:
    """Return whether this is one of several processes; never raises."""
    try:
        return read_process_rank().size > 1
    except UsageError:
        return False


def should_report_error(error: BaseException) -> bool:
    """Return whether this process should report `error`, so that each machine reports an error once.

    In the local main process, and without torchrun, the result is True at once. Any other process waits
    up to 15 seconds first; the result is then False for a stop request or a lost process group.
    """
    if not started_by_torchrun() or read_process_rank().is_local_main:
        return True
    # An error in the settings occurs in all processes: the local main process reports it, and torchrun then
    # ends the others. A process that still runs after the wait has an error of its own.
    is_external = isinstance(error, ProcessGroupLost | Interrupted | KeyboardInterrupt)
    time.sleep(_EXTERNAL_ERROR_SECONDS if is_external else _OWN_ERROR_SECONDS)
    return not is_external
