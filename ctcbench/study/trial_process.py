"""TrialProcess: a trial in a worker process of this machine, for executors."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ctcbench.contract.executors import Event, Outcome
from ctcbench.processes.worker_process import WorkerProcess


class TrialProcess:
    """A process of this machine that carries out a trial's `order`, and ends when this process does.

    `on_event` is called from a thread of its own: with each event of the trial, and at last with None, when
    `end` can return the outcome. A queue's ``put`` is a good choice. The trial is limited to `threads` CPU
    threads. `environment` is added to this process's variables; `cwd` is the working directory, by default
    this process's.

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
            {**order, "threads": threads},
            self._receive,
            threads=threads,
            environment=environment,
            cwd=cwd,
        )

    @property
    def pid(self) -> int:
        """The process's number."""
        return self._process.pid

    @property
    def killed_by(self) -> int:
        """The number of the signal that ended it before it had an outcome, or 0; known after `end`."""
        return 0 if self._process.finished else self._process.killed_by

    def stop(self) -> None:
        """Ask the trial to save its state and end; further calls change nothing."""
        if not self._stop_requested:
            self._stop_requested = True
            self._process.interrupt()

    def end(self, *, kill: bool = False) -> Outcome:
        """End the process, wait until it is gone, and return the trial's outcome.

        Before `on_event` has received None, this cuts the trial short; with `kill`, the process is killed
        at once. A trial without an outcome is ``stopped`` after `stop`, otherwise ``failed``.
        """
        self._process.end(kill=kill)
        if self._process.finished:
            return Outcome(**{**self._process.outcome, "seconds": self._seconds})
        if self._stop_requested:
            return Outcome(self._key, "stopped", seconds=self._seconds)
        stderr = self._process.stderr
        why = f": {stderr.splitlines()[-1]}" if stderr and not self._process.killed_by else ""
        error = f"its worker {self._process.exit_description}{why}"
        return Outcome(self._key, "failed", error, stderr, self._seconds)

    def _receive(self, event: Event | None) -> None:
        if event is None:
            self._seconds = time.monotonic() - self._started
        self._on_event(event)
