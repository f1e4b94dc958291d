"""A trial in a process of its own: what an executor starts, wherever it has a place for one."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ctcbench.contract.executors import Event, Outcome
from ctcbench.processes.worker_process import WorkerProcess


class TrialProcess:
    """A process of this machine that carries out a trial's `order`, and ends when this one does.

    `hear(event)` is called from a thread of the process's own, so let it put what it gets into a queue:
    each event of the trial, and at last None, when `end` has the outcome. The trial has `threads` CPU
    threads. `environment` is added to this process's, and its folder is `cwd`, if given.

    Raises:
        OSError: the process can't be started.
    """

    def __init__(
        self,
        order: Mapping[str, Any],
        hear: Callable[[Event | None], object],
        *,
        threads: int = 1,
        environment: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> None:
        self._key = str(order["key"])
        self._tell = hear
        self._outcome: Outcome | None = None
        self._told_to_stop = False
        self._started = time.monotonic()
        self._process = WorkerProcess(
            "ctcbench.study.worker",
            {**order, "threads": threads},
            self._hear,
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
        """The signal that ended it before it had an outcome, or 0; known after `end`."""
        return self._process.killed_by if self._outcome is None else 0

    def stop(self) -> None:
        """Let it save its state and end; said again, it changes nothing."""
        if not self._told_to_stop:
            self._told_to_stop = True
            self._process.interrupt()

    def end(self, *, kill: bool = False) -> Outcome:
        """Return the trial's outcome when `hear` has got None; before that, the trial is cut short.

        The process is gone then; `kill` does not wait until it goes by itself. A trial whose process left
        no outcome has failed, or is stopped where it was told to.
        """
        self._process.end(kill=kill)
        seconds = time.monotonic() - self._started
        if self._outcome is not None:
            return self._outcome
        if self._told_to_stop:
            return Outcome(self._key, "stopped", seconds=seconds)
        words = self._process.last_words
        why = f": {words.splitlines()[-1]}" if words and not self._process.killed_by else ""
        return Outcome(self._key, "failed", f"its worker {self._process.how}{why}", words, seconds)

    def _hear(self, message: Any) -> bool:
        if message is not None and "outcome" in message:
            seconds = time.monotonic() - self._started
            self._outcome = Outcome(**{**message["outcome"], "seconds": seconds})
            return False
        self._tell(message)
        return True
