"""SubmittedTrial: a trial, the job that carries it out, and what the study knows of it."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path
from typing import Any

from ctcbench import CtcbenchError, Listener, Outcome, Trial
from ctcbench_slurm.job_folder import JobFolder
from ctcbench_slurm.job_request import JobRequest
from ctcbench_slurm.trial_job import run_job

_STATE_SECONDS = 5.0  # between two queries of a job's state
# A shared disk may show the outcome so long after the job has ended.
_OUTCOME_SECONDS = 15.0
_LOG_BYTES = 20_000


class SubmittedTrial:
    """A trial from its first job to its outcome; after a loss it gets another job."""

    def __init__(self, trial: Trial) -> None:
        self.trial = trial
        self.losses = 0
        self._began = time.monotonic()
        self._stopping = False
        self._job: Any = None
        self._folder: JobFolder
        self._asked = self._gone_since = 0.0
        self._host = ""

    @property
    def worker(self) -> str:
        """How progress and errors name the job."""
        where = f" on {self._host}" if self._host else ""
        return f"job {self._job.job_id}{where}"

    def submit(self, submitter: Any, folder: Path, request: JobRequest) -> None:
        """Submit a job for the trial, with a new folder for its files.

        Raises:
            CtcbenchError: the cluster refuses the job.
        """
        folder.mkdir()
        self._folder, self._host = JobFolder(folder), ""
        self._folder.write(
            "order",
            {
                "trial": dict(self.trial.order),
                "threads": request.cpus,
                "gpus": request.gpus,
                "cwd": str(Path.cwd()),
            },
        )
        try:
            self._job = submitter.submit(run_job, str(folder.absolute()))
        # submitit raises the errors of sbatch, of the operating system and its own.
        except Exception as error:
            text = " ".join(str(error).split())[:500]
            raise CtcbenchError(f"executor slurm: the job can't be submitted ({text})") from error
        self._asked, self._gone_since = time.monotonic(), 0.0

    def poll(self, listener: Listener) -> Outcome | None:
        """Report new events; return the outcome if the trial has ended.

        Raises:
            JobLost: its job has ended without an outcome.
            CtcbenchError: a file of the job is damaged.
        """
        if not self._host and (started := self._folder.read("started")):
            self._host = str(started["host"])
        # Read before the events: those of an ended trial are all there.
        found = self._folder.read("outcome")
        for event in self._folder.new_events():
            listener.tell(self.trial.key, self.worker, event)
        if found is not None:
            if found.pop("ended_early"):
                raise JobLost("was ended by the cluster (time limit, preemption or scancel)")
            return Outcome(**{**found, "seconds": time.monotonic() - self._began})
        if self._is_gone():
            if self._stopping:
                return self.outcome("stopped")
            raise JobLost(f"ended without an outcome (state {self._job.state})")
        return None

    def stop(self) -> None:
        """Ask the job to save the trial's state and end; one that waits in the queue is cancelled."""
        if self._stopping:
            return
        self._stopping = True
        self._folder.request_stop()
        if not self._host:
            self.cancel()

    def cancel(self) -> None:
        """End the job at once."""
        if self._job is not None:
            with contextlib.suppress(Exception):  # it may be gone already
                self._job.cancel(check=False)

    def outcome(self, state: Any, error: str = "") -> Outcome:
        """Return an outcome of this trial, with the time that it took so far."""
        return Outcome(self.trial.key, state, error, self._log(), time.monotonic() - self._began)

    def _is_gone(self) -> bool:
        """Return whether the job has ended, and its outcome is not to be expected any more."""
        now = time.monotonic()
        if self._gone_since:
            return now - self._gone_since > _OUTCOME_SECONDS
        if now - self._asked > _STATE_SECONDS:
            self._asked = now
            # `done` looks for submitit's result and asks the cluster; nothing is unpickled.
            if self._job.done():
                self._gone_since = now
        return False

    def _log(self) -> str:
        """Return the end of the job's standard error, for the record of a failed trial."""
        with contextlib.suppress(OSError, UnicodeError):
            data: bytes = self._job.paths.stderr.read_bytes()
            return data[-_LOG_BYTES:].decode(errors="replace")
        return ""


class JobLost(Exception):
    """A job that has ended without an outcome of its trial; the message completes a sentence on it."""
