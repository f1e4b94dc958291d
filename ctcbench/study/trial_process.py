"""TrialProcess: a trial in a worker process of this machine, for executors."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ctcbench.contract.executors import Event, Outcome
from ctcbench.processes.worker_process import WorkerProcess


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
        self._key = str(order["key"])
        self._stop_requested = False
        self._started = time.monotonic()
        self._seconds = 0.0
        self._on_event = on_event
        self._process = WorkerProcess(
            "ctcbench.study.worker",
            # In the order as well as in the environment: the trial draws its images with as many processes.
            {**order, "threads": threads},
            self._receive,
            threads=threads,
            environment=environment,
            cwd=cwd,
        )

    @property
    def pid(self) -> int:
        """Process ID."""
        return self._process.pid

    @property
    def killed_by(self) -> int:
        """Number of the signal that killed the process before its outcome, else 0; valid after `end`."""
        return 0 if self._process.finished else self._process.killed_by

    def stop(self) -> None:
        """Ask the trial to save its state and end; further calls change nothing."""
        if not self._stop_requested:
            self._stop_requested = True
            self._process.interrupt()

    def end(self, *, kill: bool = False) -> Outcome:
        """End the process, wait until it is gone, and return the trial's outcome.

        If `on_event` has not received None yet, the trial is aborted. A trial without an outcome is
        ``stopped`` after `stop`, otherwise ``failed``.

        Args:
            kill: whether the process is killed at once.
        """
        self._process.end(kill=kill)
        if self._process.finished:
            return Outcome(**{**self._process.outcome, "seconds": self._seconds})
        if self._stop_requested:
            return Outcome(self._key, "stopped", seconds=self._seconds)
        stderr = self._process.stderr
        # A process that was killed did not write the reason; the last line is of something else.
        why = f": {stderr.splitlines()[-1]}" if stderr and not self._process.killed_by else ""
        error = f"its worker {self._process.exit_description}{why}"
        return Outcome(self._key, "failed", error, stderr, self._seconds)

    def _receive(self, event: Event | None) -> None:
        # Taken when the outcome arrives, since the caller may call `end` much later.
        if event is None:
            self._seconds = time.monotonic() - self._started
        self._on_event(event)
