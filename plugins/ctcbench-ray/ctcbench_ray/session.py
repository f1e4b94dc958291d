"""Session: runs the trials of a study on a cluster, and resumes those whose worker dies."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import ray
from ray.exceptions import RayActorError, RayError, RayTaskError

from ctcbench import CtcbenchError, Listener, Outcome, Trial, UsageError
from ctcbench.files.atomic import write_text
from ctcbench.files.locks import Busy
from ctcbench_ray import cluster
from ctcbench_ray.options import RayOptions
from ctcbench_ray.remote_trial import RemoteTrial, WorkerKilled
from ctcbench_ray.versions import installed_versions, version_differences

_WAIT_SECONDS = 0.2
_NODES_SECONDS = 1.0  # between two queries of the nodes
_CLOSE_SECONDS = 5.0
# Actors requested beyond what the cluster holds: the next trial then starts without a pause when one ends,
# and an autoscaler sees that more nodes are needed.
_REQUESTED_AHEAD = 8
_TOKEN = "ctcbench-ray-"


class Session:
    """Runs trials; a context manager, which removes everything of its own from the nodes at the end."""

    def __init__(self, options: RayOptions, listener: Listener) -> None:
        self.options = options
        self.listener = listener
        self.versions = installed_versions()
        self._source: Iterator[Trial] = iter(())
        self._ahead = 0
        self._lost: deque[RemoteTrial] = deque()  # trials whose worker died; they come before new ones
        self._active: dict[Any, RemoteTrial] = {}  # by the reference to the result that it waits for
        self._closing: list[Any] = []
        self._tokens: dict[str, dict[str, str]] = {}
        self._fatal: CtcbenchError | None = None
        self._stopping = False
        self._warned = False
        self._checked = float("-inf")
        self._no_room_since: float | None = None
        self._capacity = 1

    def __enter__(self) -> Self:
        """Return the session."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Kill the trials that still run, and remove the tokens."""
        # Reached with active trials after an error, or when the generator of `run` is closed early.
        for trial in self._active.values():
            trial.kill()
        if self._closing:
            with contextlib.suppress(RayError):
                # Actors remove their scratch folders in close(); a session that left at once would end them
                # before.
                ray.wait(self._closing, num_returns=len(self._closing), timeout=_CLOSE_SECONDS)
        for token in self._tokens.values():
            Path(token["path"]).unlink(missing_ok=True)

    def run(self, trials: Iterable[Trial]) -> Iterator[Outcome]:
        """Run the trials, and yield each outcome; see `Executor.run`.

        Raises:
            UsageError: no node can hold a trial, or a node can't run trials; what ran is saved.
            CtcbenchError: a run folder can't be written.
        """
        self._source = iter(trials)
        # The trials of an iterator depend on earlier outcomes, so that none may be requested in advance.
        self._ahead = _REQUESTED_AHEAD if isinstance(trials, Sequence) else 0
        self._check_nodes()
        while True:
            self._check_nodes()
            if not self._stopping and (self._fatal or self.listener.stopping()):
                self._stopping = True
                # These have saved nothing: they wait for resources, or for the inspection of their node.
                for ref in [ref for ref, trial in self._active.items() if not trial.started]:
                    self._active.pop(ref).kill()
            while not self._stopping and len(self._active) < self._most_at_once():
                if (trial := self._next_trial()) is None:
                    break
                self._request_actor(trial)
            if not self._active:
                break
            for ref in self._wait_for_results():
                if outcome := self._receive(ref):
                    yield outcome
        if self._fatal:
            raise self._fatal

    def _next_trial(self) -> RemoteTrial | None:
        if self._lost:
            return self._lost.popleft()
        trial = next(self._source, None)
        if trial is None:
            return None
        self._warn_of_idle_gpus(trial)
        return RemoteTrial(trial)

    def _most_at_once(self) -> int:
        # At least one: it waits for a node in a cluster that is empty now.
        return self.options.workers or max(1, self._capacity + self._ahead)

    def _wait_for_results(self) -> list[Any]:
        """Return the references whose results are ready, after a short wait for the first."""
        if not self._active:
            return []
        found, _ = ray.wait(list(self._active), timeout=_WAIT_SECONDS)
        # ray.wait() returns one reference by default: ask again for all that are ready by now.
        if found:
            found, _ = ray.wait(list(self._active), num_returns=len(self._active), timeout=0)
        return list(found)

    def _request_actor(self, trial: RemoteTrial) -> None:
        request = {
            # Ray's workers have the environment of the node, not that of the study.
            "environment": {k: v for k, v in os.environ.items() if k.startswith("CTCBENCH_")},
            "token": self._token(trial.trial.order["out"]),
            "scratch": self.options.scratch,
        }
        self._active[trial.request_actor(self.options.resources, request)] = trial

    def _token(self, out: str) -> dict[str, str] | None:
        """Write a file into the study's folder by which a node recognises it; None if files are sent."""
        if self.options.files == "sent":
            return None
        if out not in self._tokens:
            folder = Path(out) / "studies"
            for stale in folder.glob(f".{_TOKEN}*"):  # left by a study that was killed
                stale.unlink(missing_ok=True)
            # A random text: a file of this name on another node's disk would not be the same.
            path, text = folder / f".{_TOKEN}{secrets.token_hex(8)}", secrets.token_hex(16)
            write_text(path, text)
            self._tokens[out] = {"path": str(path), "text": text}
        return self._tokens[out]

    def _receive(self, ref: Any) -> Outcome | None:
        """Process the result or the loss of an actor; return the outcome if its trial has ended."""
        trial = self._active.pop(ref)
        try:
            result = ray.get(ref)
            if not trial.started:
                return self._start(trial, json.loads(result))
            outcome = trial.receive(result, self.listener)
        except RayTaskError as error:
            return self._handle_error(trial, error)
        except (WorkerKilled, RayError) as error:  # an unreachable actor is lost as well
            return self._handle_loss(trial, error)
        except BaseException:
            trial.kill()
            raise
        if outcome is None:
            stop = self._stopping or self.listener.cancelled(trial.trial.key)
            self._active[trial.poll(stop=stop)] = trial
        else:
            self._closing.append(trial.close())
        return outcome

    def _start(self, trial: RemoteTrial, found: Mapping[str, Any]) -> Outcome | None:
        """Start a trial at an actor whose node is inspected; return an outcome if it can't start."""
        trial.host, trial.node = found["host"], found["node"]
        # Checked for each actor: nodes can join the cluster while a study runs.
        others = version_differences(self.versions, found)
        if self._stopping:
            trial.kill()
        elif self.options.files == "shared" and not found["shared"]:
            where = trial.trial.order["out"]
            self._end_study(f"node {trial.host} does not share {where}; files=auto sends run folders", trial)
        elif others:
            self._end_study(
                f"node {trial.host} has other software: {'; '.join(others)}; install the same on every node",
                trial,
            )
        else:
            # The smallest free number, so that progress has as many lines as trials run at once.
            taken = {other.slot for other in self._active.values()}
            trial.slot = next(n for n in range(1, len(taken) + 2) if n not in taken)
            try:
                ref = trial.start(self.options.resources, self.options.scratch, shared=found["shared"])
            except Busy as error:
                trial.kill()
                return trial.outcome("stopped", str(error))  # no failure of the configuration
            self._active[ref] = trial
        return None

    def _handle_error(self, trial: RemoteTrial, error: RayTaskError) -> Outcome | None:
        """End a trial whose actor raised an error; if that was before its start, end the study."""
        cause = getattr(error, "cause", None) or error
        # Ray wraps an error of an actor; the original one is its cause.
        known = isinstance(cause, CtcbenchError)
        text = str(cause) if known else f"{type(cause).__name__}: {' '.join(str(cause).split())}"
        if not trial.started:
            self._end_study(text, trial)
            return None
        outcome = trial.outcome("failed", f"{trial.worker}: {text}", "" if known else str(error))
        trial.kill()
        return outcome

    def _handle_loss(self, trial: RemoteTrial, error: Exception) -> Outcome | None:
        """Resume a trial whose worker died, unless that has happened too often."""
        started, where = trial.started, trial.worker
        why = self._describe_loss(trial, error)
        trial.kill()
        if self._stopping or self.listener.cancelled(trial.trial.key):
            # A trial that had not started needs no outcome: it is as it was.
            return trial.outcome("stopped") if started else None
        # Ray has no exception of its own for it. Every other node would fail in the same way.
        if "failed to import" in str(error):
            reason = str(error).strip().splitlines()[-1]
            self._end_study(f"a node can't run trials ({reason}); install the same on every node", trial)
            return None
        trial.losses += 1
        if trial.losses > self.options.retries:
            times = "" if trial.losses == 1 else f" for the {trial.losses}th time"
            return trial.outcome("failed", f"{where} {why}{times} (retries={self.options.retries})")
        # First in the queue: it has done more than the trials that have not started.
        self._lost.appendleft(trial)
        text = f"{where} {why}; its trial resumes from its last checkpoint"
        self.listener.tell(trial.trial.key, where, {"kind": "notice", "text": text})
        return None

    def _describe_loss(self, trial: RemoteTrial, error: Exception) -> str:
        """Return what happened to a worker, as the rest of a sentence that begins with its name."""
        if isinstance(error, WorkerKilled):
            return str(error)
        if (
            trial.node
            and isinstance(error, RayActorError)
            and all(node.key != trial.node for node in cluster.nodes())
        ):
            return "is lost: its node has left the cluster"
        if "low on memory" in str(error):
            return "was ended by Ray, because its node ran low on memory"
        return "died (killed, or out of memory)"

    def _end_study(self, text: str, trial: RemoteTrial) -> None:
        """Stop the study for a reason that holds for every trial."""
        trial.kill()
        # Raised at the end of `run`: trials that run are first stopped, and save their state.
        self._fatal = self._fatal or UsageError(f"executor ray: {text}")

    def _check_nodes(self) -> None:
        """Update the capacity; if no node can hold a trial for `wait` seconds, end the study."""
        now = time.monotonic()
        # A query is a request to the cluster's head, and `run` comes here several times a second.
        if now - self._checked < _NODES_SECONDS:
            return
        self._checked = now
        found = cluster.nodes()
        self._capacity = cluster.capacity(self.options.resources, found)
        if self._capacity or any(trial.started for trial in self._active.values()):
            self._no_room_since = None
            return
        self._no_room_since = now if self._no_room_since is None else self._no_room_since
        if now - self._no_room_since >= self.options.wait:
            self._fatal = self._fatal or cluster.no_room(self.options.resources, found)

    def _warn_of_idle_gpus(self, trial: Trial) -> None:
        # Once, with the first trial: a notice belongs to one.
        if self._warned:
            return
        self._warned = True
        gpus = sum(node.resources.get("GPU", 0.0) for node in cluster.nodes())
        if gpus and not self.options.resources.gpus:
            text = f"the cluster has {gpus:g} GPUs, but trials request none; ray:gpus=1 assigns one to each"
            self.listener.tell(trial.key, "ray", {"kind": "notice", "text": text})
