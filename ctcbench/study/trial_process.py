"""TrialProcess: a trial in a worker process of this machine, for executors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ctcbench.contract.executors import Event, Outcome
from ctcbench.study.trial_group_process import TrialGroupProcess


class TrialProcess:
    """A process on this machine that carries out a trial, and that ends when this process ends.

    Args:
        order: the order of a `ctcbench.Trial`.
        on_event: called with each progress event of the trial, and finally with None, when `end` can return
            the outcome. The calls come from another thread; the ``put`` method of a queue is suitable.
        threads: number of CPU threads of the trial.
        environment: environment variables, added to those of this process.
        cwd: working directory; None: that of this process.

    Raises:
        OSError: the process can't be started.
    """

    def __init__(
        self,
        order: Mapping[str, Any],
        on_event: Callable[[Event | None], object],
        *,
        threads: int = 1,
        environment: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> None:
        self._group = TrialGroupProcess(
            [order],
            # The end of the process, and not that of the trial, which is a moment before.
            lambda key, event: on_event(event) if event is not None or not key else None,
            threads=threads,
            environment=environment,
            cwd=cwd,
        )

    @property
    def pid(self) -> int:
        """Process ID."""
        return self._group.pid

    @property
    def killed_by(self) -> int:
        """Number of the signal that killed the process before its outcome, else 0; valid after `end`."""
        return self._group.killed_by

    def stop(self) -> None:
        """Ask the trial to save its state and end; further calls change nothing."""
        self._group.stop()

    def end(self, *, kill: bool = False) -> Outcome:
        """End the process, wait until it is gone, and return the trial's outcome.

        If `on_event` has not received None yet, the trial is aborted. A trial without an outcome is
        ``stopped`` after `stop`, otherwise ``failed``.

        Args:
            kill: whether the process is killed at once.
        """
        return self._group.end(kill=kill)[0]
