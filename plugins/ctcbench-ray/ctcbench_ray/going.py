"""Going: one trial on its way, its place on a node, and what of its run folder the study has."""

from __future__ import annotations

import contextlib
import json
import time
from pathlib import Path
from typing import Any

import ray

from ctcbench import Listener, Outcome, Trial
from ctcbench.files.locks import Busy
from ctcbench.results.run_folder import RunFolder
from ctcbench_ray import run_files
from ctcbench_ray.cluster import Need
from ctcbench_ray.place import Place

_GIB = 2**30
_BUSY_SECONDS = 5.0  # what a killed study leaves behind ends within moments


class Lost(Exception):
    """A trial's process was ended from outside; the message says how."""


class Going:
    """A trial from its first place to its outcome; it may need several places, one after the other."""

    def __init__(self, trial: Trial) -> None:
        self.trial = trial
        self.folder = RunFolder(Path(trial.order["out"]) / trial.key)
        self.host = self.node = ""
        self.slot = 0
        self.begun = False  # whether it runs, or is about to, at its present place
        self.losses = 0
        self.seconds = 0.0
        self._place: Any = None
        self._since: float | None = None
        self._held = contextlib.ExitStack()
        self._locked = False
        self._shared = True
        self._have: dict[str, str] = {}
        self._notices = 0
        self._saved = -float("inf")

    @property
    def worker(self) -> str:
        """What the view calls the place where it runs."""
        return f"worker {self.slot} on {self.host}" if self.host else "a worker"

    def seek(self, need: Need, document: dict[str, Any]) -> Any:
        """Ask Ray for a place with what the trial needs; the answer tells where that is."""
        self.host, self.node, self.slot = "", "", 0
        options: dict[str, Any] = {"num_cpus": need.cpus, "num_gpus": need.gpus}
        if need.memory:
            options["memory"] = int(need.memory * _GIB)
        # A place that dies is replaced by this program, which has the checkpoint, not by Ray.
        self._place = ray.remote(Place).options(max_restarts=0, max_task_retries=0, **options).remote()
        return self._place.look.remote(json.dumps(document))

    def begin(self, need: Need, scratch: str, *, shared: bool) -> Any:
        """Start it at its place, with its run folder as far as that has come.

        Raises:
            Busy: another process trains in its run folder, and does not end.
            UsageError: the run folder can't be written.
        """
        self.begun, self._since = True, time.monotonic()
        self._shared, self._notices, self._have = shared, 0, {}
        sent: dict[str, bytes] = {}
        if not shared:  # there, the process on the node holds the lock
            self._lock()
            sent, _ = run_files.read_changed(self.folder.path, {})
        document = {
            "order": {**self.trial.order, "threads": need.cpus},
            "cwd": str(Path.cwd()),
            "shared": shared,
            "scratch": scratch,
            "gpu": need.gpus > 0,
        }
        return self._place.begin.remote(json.dumps(document), sent)

    def ask(self, *, stop: bool) -> Any:
        """Ask what has happened; the answer takes half a second where nothing has."""
        every = float(self.trial.order.get("checkpoint_seconds", 60.0))
        files = not self._shared and time.monotonic() - self._saved >= every
        document = {"stop": stop, "notices": self._notices, "have": self._have, "files": files}
        return self._place.step.remote(json.dumps(document))

    def hear(self, answer: Any, listener: Listener) -> Outcome | None:
        """Take in an answer, pass on what it tells, and write what it brings; returns the outcome at the end.

        Raises:
            Lost: its process was ended from outside.
            CtcbenchError: its files can't be written.
        """
        if isinstance(answer, str):  # that of `begin`
            self._have = json.loads(answer)
            return None
        text, files = answer
        told = json.loads(text)
        for event in told["notices"]:
            self._notices += 1
            listener.tell(self.trial.key, self.worker, event)
        if told["progress"]:
            listener.tell(self.trial.key, self.worker, told["progress"])
        if files:
            run_files.write(self.folder.path, files)
            self._have |= told["signatures"]
            self._saved = time.monotonic()
        if told["outcome"] is None:
            return None
        if told["lost"]:
            raise Lost(told["lost"])
        outcome = Outcome(**told["outcome"])
        if not self._shared:
            run_files.remove(self.folder.path, self._have.keys() - set(told.get("all", ())))
        return self.ended(outcome.state, outcome.error, outcome.traceback)

    def ended(self, state: Any, error: str = "", traceback: str = "") -> Outcome:
        """Return an outcome of this trial."""
        return Outcome(self.trial.key, state, error, traceback, self.seconds + self._lasted())

    def finish(self) -> Any:
        """Let go of its place, and of the run folder; the answer is that nothing is left there."""
        ref = self._place.end.remote()
        self._leave()
        return ref

    def kill(self) -> None:
        """End its process and its place at once: the process ends as its supervisor does."""
        if self._place is not None:
            with contextlib.suppress(Exception):  # gone already
                ray.kill(self._place)
        self._leave()

    def _leave(self) -> None:
        self.seconds += self._lasted()
        self.begun, self._since, self._place = False, None, None
        if self._locked:
            self._locked = False
            self.folder.remove_if_bare()  # of a trial that failed before it had anything to keep
        self._held.close()

    def _lasted(self) -> float:
        return 0.0 if self._since is None else time.monotonic() - self._since

    def _lock(self) -> None:
        deadline = time.monotonic() + _BUSY_SECONDS
        while True:
            try:
                self._held.enter_context(self.folder.lock("training on a Ray cluster in this run folder"))
                self._locked = True
                return
            except Busy:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.2)
