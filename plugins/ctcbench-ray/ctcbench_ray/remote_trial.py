"""RemoteTrial: one trial, the actor that runs it, and which files of its run folder the study has."""

from __future__ import annotations

import contextlib
import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import ray

from ctcbench import Listener, Outcome, Trial
from ctcbench.files.locks import Busy
from ctcbench.results.run_folder import RunFolder
from ctcbench_ray import run_files
from ctcbench_ray.cluster import TrialResources
from ctcbench_ray.trial_actor import TrialActor

_GIB = 2**30
_BUSY_SECONDS = 5.0  # the workers of a killed study end within moments


class WorkerKilled(Exception):
    """A trial's process was killed from outside; the message has the signal."""


class RemoteTrial:
    """A trial from its first actor to its outcome; after a loss it gets another actor."""

    def __init__(self, trial: Trial) -> None:
        self.trial = trial
        self.folder = RunFolder(Path(trial.order["out"]) / trial.key)
        self.host = self.node = ""
        self.slot = 0
        self.started = False  # whether its present actor has been asked to start it
        self.losses = 0
        self.seconds = 0.0  # with earlier actors
        self._actor: Any = None
        self._since: float | None = None
        self._held = contextlib.ExitStack()
        self._locked = False
        self._shared = True
        self._have: dict[str, str] = {}
        self._lasting = 0
        # Of the last copy, by the monotonic clock: the first poll copies at once.
        self._saved = -float("inf")

    @property
    def worker(self) -> str:
        """How progress and errors name the place where it runs."""
        return f"worker {self.slot} on {self.host}" if self.host else "a worker"

    def request_actor(self, resources: TrialResources, request: dict[str, Any]) -> Any:
        """Ask Ray for an actor with these resources; return the reference to the result of `inspect`."""
        self.host, self.node, self.slot = "", "", 0
        options: dict[str, Any] = {"num_cpus": resources.cpus, "num_gpus": resources.gpus}
        if resources.memory:
            options["memory"] = int(resources.memory * _GIB)
        # Restarts are up to the session, which has the checkpoint, not to Ray.
        self._actor = ray.remote(TrialActor).options(max_restarts=0, max_task_retries=0, **options).remote()
        return self._actor.inspect.remote(json.dumps(request))

    def start(self, resources: TrialResources, scratch: str, *, shared: bool) -> Any:
        """Start the trial at its actor, from what its run folder has; return the reference to the result.

        Raises:
            Busy: another process trains in its run folder, and does not end.
            UsageError: the run folder can't be written.
        """
        self.started, self._since = True, time.monotonic()
        self._shared, self._lasting, self._have = shared, 0, {}
        sent: dict[str, bytes] = {}
        if not shared:  # in a shared folder, the process on the node holds the lock
            self._lock()
            sent, _ = run_files.read_changed(self.folder.path, {})
        request = {
            "order": {**self.trial.order, "threads": resources.cpus},
            "cwd": str(Path.cwd()),
            "shared": shared,
            "scratch": scratch,
            "gpu": resources.gpus > 0,
        }
        return self._actor.start.remote(json.dumps(request), sent)

    def poll(self, *, stop: bool) -> Any:
        """Ask for new events; return the reference to the result, which takes up to half a second."""
        # A copy can be resumed from its checkpoint, so it is made as often as checkpoints are.
        every = float(self.trial.order.get("checkpoint_seconds", 60.0))
        files = not self._shared and time.monotonic() - self._saved >= every
        request = {"stop": stop, "lasting": self._lasting, "have": self._have, "files": files}
        return self._actor.poll.remote(json.dumps(request))

    def receive(self, result: Any, listener: Listener) -> Outcome | None:
        """Report the events of a result and write its files; return the outcome if the trial has ended.

        Raises:
            WorkerKilled: its process was killed from outside.
            CtcbenchError: its files can't be written.
        """
        if isinstance(result, str):  # of `start`: the signatures of the files that were sent
            self._have = json.loads(result)
            return None
        text, files = result
        document = json.loads(text)
        for event in document["lasting"]:
            self._lasting += 1
            listener.tell(self.trial.key, self.worker, event)
        if document["progress"]:
            listener.tell(self.trial.key, self.worker, document["progress"])
        if files:
            run_files.write(self.folder.path, files)
            self._have |= document["signatures"]
            self._saved = time.monotonic()
        if document["outcome"] is None:
            return None
        if document["killed"]:
            raise WorkerKilled(document["killed"])
        outcome = Outcome(**document["outcome"])
        if not self._shared:
            # The trial removes files too, such as its checkpoint at the end of the training.
            run_files.remove(self.folder.path, self._have.keys() - set(document.get("all", ())))
        return replace(outcome, seconds=self.seconds + self._elapsed())

    def outcome(self, state: Any, error: str = "", traceback: str = "") -> Outcome:
        """Return an outcome of this trial, with the time that it took so far."""
        return Outcome(self.trial.key, state, error, traceback, self.seconds + self._elapsed())

    def close(self) -> Any:
        """Release the actor and the run folder; return a reference that is ready when it has cleaned up."""
        ref = self._actor.close.remote()
        self._release()
        return ref

    def kill(self) -> None:
        """Kill the actor at once; the trial's process ends with it."""
        if self._actor is not None:
            with contextlib.suppress(Exception):  # it may be gone already
                ray.kill(self._actor)
        self._release()

    def _release(self) -> None:
        self.seconds += self._elapsed()
        self.started, self._since, self._actor = False, None, None
        if self._locked:
            self._locked = False
            self.folder.remove_if_bare()  # a trial that failed early leaves nothing worth keeping
        self._held.close()

    def _elapsed(self) -> float:
        return 0.0 if self._since is None else time.monotonic() - self._since

    def _lock(self) -> None:
        # A lost worker may hold the lock for a moment after Ray has reported its death.
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
