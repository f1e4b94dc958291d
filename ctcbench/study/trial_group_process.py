"""TrialGroupProcess: several trials in one worker process of this machine, for executors."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ctcbench.contract.executors import Event, Outcome
from ctcbench.processes.worker_process import WorkerProcess


class TrialGroupProcess:
    """A process on this machine that carries out trials, and that ends when this process ends.

    On a GPU several trials take less time together than one after another. They must have the same
    `ctcbench.Trial.recipe_key`, so that they differ in their seed only.

    Args:
        orders: the orders of `ctcbench.Trial` objects.
        on_event: called with the key of a trial and each progress event of it; with its key and None, when
            `outcome_of` returns its outcome; and finally with an empty key and None, when `end` can be called
            and every trial has an outcome. The calls come from another thread.
        threads: number of CPU threads of the process.
        environment: environment variables, added to those of this process.
        cwd: working directory; None: that of this process.

    Raises:
        OSError: the process can't be started.
    """

    def __init__(
        self,
        orders: Sequence[Mapping[str, Any]],
        on_event: Callable[[str, Event | None], object],
        *,
        threads: int = 1,
        environment: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> None:
        self._keys = [str(order["key"]) for order in orders]
        self._outcomes: dict[str, Outcome] = {}
        self._cancelled: set[str] = set()
        self._started = time.monotonic()
        self._seconds = 0.0
        self._on_event = on_event
        self._process = WorkerProcess(
            "ctcbench.study.worker",
            # In the orders as well as in the environment: a trial draws its images with as many processes.
            {"trials": [{**order, "threads": threads} for order in orders]},
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
        """Number of the signal that killed the process before its last outcome, else 0; valid after `end`."""
        return 0 if self._process.finished else self._process.killed_by

    def stop(self, key: str | None = None) -> None:
        """Ask one trial, or all, to save their state and end; further calls change nothing."""
        stopped = self._keys if key is None else [key]
        running = [known for known in self._keys if known not in self._outcomes]
        if self._cancelled.issuperset(stopped):
            return
        self._cancelled.update(stopped)
        if self._cancelled.issuperset(running):
            # It also ends a trial that is not in its training, at once.
            self._process.interrupt()
        else:
            self._process.send({"stop": key})

    def outcome_of(self, key: str) -> Outcome:
        """Return the outcome of a trial that has ended.

        Raises:
            KeyError: the trial has no outcome yet.
        """
        return self._outcomes[key]

    def end(self, *, kill: bool = False) -> list[Outcome]:
        """End the process, wait until it is gone, and return the outcomes of all trials.

        Trials that have not ended are aborted. A trial without an outcome is ``stopped`` after `stop`,
        otherwise ``failed``.

        Args:
            kill: whether the process is killed at once.
        """
        self._process.end(kill=kill)
        return [self._outcomes.get(key) or self._without_outcome(key) for key in self._keys]

    def _without_outcome(self, key: str) -> Outcome:
        if key in self._cancelled:
            return Outcome(key, "stopped", seconds=self._seconds)
        stderr = self._process.stderr
        # A process that was killed did not write the reason; the last line is of something else.
        why = f": {stderr.splitlines()[-1]}" if stderr and not self._process.killed_by else ""
        count = len(self._keys)
        worker = "its worker" if count == 1 else f"its worker, with {count} trials at once,"
        error = f"{worker} {self._process.exit_description}{why}"
        return Outcome(key, "failed", error, stderr, self._seconds)

    def _receive(self, message: Mapping[str, Any] | None) -> None:
        # The time from the start of the process, since the caller may read the outcome much later.
        self._seconds = time.monotonic() - self._started
        if message is None:
            self._on_event("", None)
            return
        key = str(message["trial"])
        if "event" in message:
            self._on_event(key, message["event"])
            return
        self._outcomes[key] = replace(Outcome(**message["ended"]), seconds=self._seconds)
        self._on_event(key, None)
