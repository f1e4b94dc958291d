"""TrialActor: the Ray actor that holds a trial's CPUs and GPUs on a node and supervises its process there.

The study and the actor exchange JSON documents and the bytes of files only.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ctcbench import Outcome, TrialProcess
from ctcbench.contract.executors import LASTING_EVENTS
from ctcbench_ray import run_files
from ctcbench_ray.node_folders import is_shared, scratch_folder, trial_folder
from ctcbench_ray.versions import installed_versions

# A poll returns after this time at the latest: a request to stop is sent with the next one.
_POLL_SECONDS = 0.5
# Signals by which others end a process. Any other is the trial's own failure, and would be one again.
_SIGNALS_FROM_OUTSIDE = (signal.SIGKILL, signal.SIGTERM, signal.SIGHUP)


class TrialActor:
    """One trial on one node: `inspect`, then `start`, then `poll` until there is an outcome, then `close`."""

    def __init__(self) -> None:
        self._trial: SupervisedTrial | None = None
        self._folder: Path | None = None  # the run folder where it is not the study's own
        self._stack = contextlib.ExitStack()

    def inspect(self, text: str) -> str:
        """Return the node's name, its software, and whether it shares the study's folder, as JSON.

        Keys of the request: ``environment``, the study's variables; ``token``, ``{path, text}`` of a file in
        the study's folder (None if that need not be shared); ``scratch``, the option.
        """
        import ray

        request = json.loads(text)
        token = request["token"]
        shared = bool(token) and is_shared(Path(token["path"]), token["text"])
        for name, value in request["environment"].items():
            # The study's cache is used only where this node has it too.
            if name != "CTCBENCH_CACHE" or shared or Path(value).is_dir():
                os.environ[name] = value
        if not shared:
            scratch_folder(request["scratch"])  # an unusable one is an error before any trial starts
        found = {
            "host": socket.gethostname(),
            "node": ray.get_runtime_context().get_node_id(),
            "pid": os.getpid(),
            "shared": shared,
            **installed_versions(),
        }
        return json.dumps(found)

    def start(self, text: str, sent: dict[str, bytes]) -> str:
        """Start the trial, with the files of its run folder, and return their signatures.

        Keys of the request: ``order``, ``cwd``, ``shared``, ``scratch``, ``gpu``. Unless the study's folder
        is shared, the run folder is in a scratch folder of this actor.
        """
        request = json.loads(text)
        order = request["order"]
        signatures: dict[str, str] = {}
        if not request["shared"]:
            out = self._stack.enter_context(trial_folder(scratch_folder(request["scratch"])))
            order = {**order, "out": str(out)}
            self._folder = out / order["key"]
            if sent:
                self._folder.mkdir()
                run_files.write(self._folder, sent)
                signatures = run_files.signatures(self._folder)
        # Relative paths in a configuration are meant from the study's working directory.
        cwd = Path(request["cwd"]) if Path(request["cwd"]).is_dir() else Path.home()
        self._trial = SupervisedTrial(order, cwd, gpu=request["gpu"])
        return json.dumps(signatures)

    def poll(self, text: str) -> tuple[str, dict[str, bytes]]:
        """Return new events, and files that have changed; waits up to half a second for an event.

        Keys of the request: ``stop``; ``lasting``, the number of lasting events that the study has received;
        ``have``, the signatures of the files that it has; ``files``, whether to return those of a trial that
        runs.
        """
        request = json.loads(text)
        assert self._trial
        if request["stop"]:
            self._trial.stop()
        ended = self._trial.wait(_POLL_SECONDS)
        reply: dict[str, Any] = {
            "progress": self._trial.progress,
            # Progress is only the latest state; lasting events must all arrive, so the study counts them.
            "lasting": self._trial.lasting[request["lasting"] :],
            "outcome": None,
        }
        if ended:
            outcome, reply["killed"] = self._trial.end()
            reply["outcome"] = outcome.to_json()
        changed: dict[str, bytes] = {}
        # Only at the end, or when the study asks: a checkpoint has many megabytes.
        if self._folder and self._folder.is_dir() and (ended or request["files"]):
            changed, reply["signatures"] = run_files.read_changed(self._folder, request["have"])
            reply["all"] = list(run_files.signatures(self._folder))
        return json.dumps(reply), changed

    def close(self) -> None:
        """End the trial's process and remove the folder of this actor."""
        if self._trial:
            self._trial.kill()
        self._stack.close()


class SupervisedTrial:
    """A trial's process, and its events so far: the latest progress, and all `LASTING_EVENTS`."""

    def __init__(self, order: Mapping[str, Any], cwd: Path, *, gpu: bool) -> None:
        self.progress: Mapping[str, Any] | None = None
        self.lasting: list[Mapping[str, Any]] = []
        self._ended = False
        self._news = threading.Event()
        self._process = TrialProcess(
            order,
            self._receive,
            threads=order.get("threads", 1),
            environment=trial_environment(gpu=gpu),
            cwd=cwd,
        )

    @property
    def pid(self) -> int:
        """The process's number."""
        return self._process.pid

    def stop(self) -> None:
        """Ask the trial to save its state and end."""
        self._process.stop()

    def wait(self, seconds: float) -> bool:
        """Wait for a lasting event or the end, at most `seconds`; return whether the trial has ended."""
        self._news.wait(seconds)
        self._news.clear()
        if self._ended:
            self._news.set()  # later calls must not wait
        return self._ended

    def end(self) -> tuple[Outcome, str]:
        """Return the outcome, and how the process was killed from outside (empty if it was not)."""
        outcome = self._process.end()
        # Then the trial is resumed elsewhere. A crash of its own would be repeated there.
        if outcome.state == "failed" and self._process.killed_by in _SIGNALS_FROM_OUTSIDE:
            return outcome, outcome.error.removeprefix("its worker ")
        return outcome, ""

    def kill(self) -> None:
        """End the process at once."""
        self._process.end(kill=True)

    def _receive(self, event: Mapping[str, Any] | None) -> None:
        if event is not None and event["kind"] not in LASTING_EVENTS:
            self.progress = event
            return
        if event is None:
            self._ended = True
        else:
            self.lasting.append(event)
        self._news.set()


def trial_environment(*, gpu: bool) -> dict[str, str]:
    """Return the variables of a trial's process that differ from this one's: its modules, and its GPUs.

    Ray sets ``CUDA_VISIBLE_DEVICES`` to the GPUs of the actor; a trial that requested no `gpu` sees none.
    """
    # Without the packages that Ray ships for its own use, which would hide installed ones of those names.
    rays = [Path(folder) for folder in getattr(sys.modules.get("ray"), "__path__", ())]
    entries = [Path(entry or ".").absolute() for entry in sys.path]
    paths = [str(path) for path in entries if not any(path.is_relative_to(ray) for ray in rays)]
    # Not left to Ray, whose versions differ in what an actor without GPUs sees.
    hidden = {} if gpu else {"CUDA_VISIBLE_DEVICES": ""}
    return {**hidden, "PYTHONPATH": os.pathsep.join(paths)}
