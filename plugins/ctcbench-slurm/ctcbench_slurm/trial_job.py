"""run_job(): what a job executes on its node; it supervises the trial's process there."""

from __future__ import annotations

import queue
import signal
import socket
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ctcbench import TrialProcess
from ctcbench.contract.executors import LASTING_EVENTS
from ctcbench_slurm.job_folder import JobFolder, Lease

LEASE_SECONDS = 60.0  # a job ends by itself so long after its study was killed
_ASK_SECONDS = 0.5
_PROGRESS_SECONDS = 2.0  # between two progress events: each is a write on a shared disk
_SAVE_SECONDS = 100.0  # a trial that does not end after a stop request is killed
# Slurm's signals before a job's end: time limit and preemption, scancel, Ctrl-C of the local cluster.
_ENDING = (signal.SIGUSR2, signal.SIGTERM, signal.SIGINT)


def run_job(folder: str) -> None:
    """Carry out the order in a job folder, and write its events and its outcome there."""
    job = JobFolder(Path(folder))
    order = job.read("order")
    assert order
    ended_by: list[int] = []
    for number in _ENDING:
        # submitit's own handlers would requeue the job with a pickle; the study submits another one.
        signal.signal(number, lambda number, frame: ended_by.append(number))
    job.write("started", {"host": socket.gethostname()})
    supervision = _Supervision(job, Lease(job.path.parent, LEASE_SECONDS), ended_by)
    outcome = supervision.run(order)
    early = bool(ended_by) and outcome["state"] == "stopped" and not job.stop_requested()
    job.write("outcome", {**outcome, "ended_early": early})


class _Supervision:
    """The trial's process on this node."""

    def __init__(self, job: JobFolder, lease: Lease, ended_by: list[int]) -> None:
        self._job, self._lease, self._ended_by = job, lease, ended_by
        self._news: queue.SimpleQueue[Mapping[str, Any] | None] = queue.SimpleQueue()
        self._shown = 0.0

    def run(self, order: Mapping[str, Any]) -> dict[str, Any]:
        # Without GPUs of its own, a trial sees none: not those of other jobs on the node.
        hidden = {} if order["gpus"] else {"CUDA_VISIBLE_DEVICES": ""}
        cwd = Path(order["cwd"])
        process = TrialProcess(
            order["trial"],
            self._news.put,
            threads=order["threads"],
            environment=hidden,
            cwd=cwd if cwd.is_dir() else Path.home(),
        )
        kill_at: float | None = None
        try:
            while True:
                if kill_at is None and (
                    self._ended_by or self._job.stop_requested() or self._lease.is_over()
                ):
                    process.stop()
                    kill_at = time.monotonic() + _SAVE_SECONDS
                if kill_at is not None and time.monotonic() > kill_at:
                    return process.end(kill=True).to_json()
                try:
                    event = self._news.get(timeout=_ASK_SECONDS)
                except queue.Empty:
                    continue
                if event is None:
                    return process.end().to_json()
                self._pass_on(event)
        except BaseException:
            process.end(kill=True)
            raise

    def _pass_on(self, event: Mapping[str, Any]) -> None:
        # Lasting events do not count: those of short epochs would keep all progress from being shown.
        if event["kind"] not in LASTING_EVENTS:
            now = time.monotonic()
            if now - self._shown <= _PROGRESS_SECONDS:
                return
            self._shown = now
        self._job.append_event(event)
