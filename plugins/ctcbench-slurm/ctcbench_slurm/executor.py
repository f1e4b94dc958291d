"""SlurmExecutor: runs trials as jobs, and resumes those whose job ends early."""

from __future__ import annotations

import contextlib
import itertools
import shutil
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ctcbench import Listener, Outcome, Trial
from ctcbench_slurm.job_folder import beat
from ctcbench_slurm.job_request import JobRequest
from ctcbench_slurm.submitted_trial import JobLost, SubmittedTrial

_PREFIX = ".ctcbench-slurm-"
_ASK_SECONDS = 0.5
_BEAT_SECONDS = 5.0
_END_SECONDS = 10.0  # for jobs to end, after they were cancelled


class SlurmExecutor:
    """Runs each trial as a job of its own that writes to the study's folder on a shared disk."""

    def __init__(self, request: JobRequest, workers: int, retries: int) -> None:
        self.request, self.workers, self.retries = request, workers, retries

    def describe(self) -> Mapping[str, Any]:
        """Return the number of jobs at once, and the threads and GPUs of each."""
        return {"workers": self.workers, "threads": self.request.cpus, "gpus": self.request.gpus}

    def run(self, trials: Iterable[Trial], listener: Listener) -> Iterator[Outcome]:
        """Run the trials, and yield each outcome as its job ends; see `Executor.run`.

        Raises:
            UsageError: this machine can't submit jobs.
            CtcbenchError: the cluster refuses a job.
        """
        source = iter(trials)
        first = None if listener.stopping() else next(source, None)
        if first is None:
            return
        with _session_folder(Path(first.order["out"])) as session:
            submitter = self.request.submitter(session / "submitit")
            waiting = itertools.chain([first], source)
            yield from self._run_jobs(waiting, listener, submitter, session)

    def _run_jobs(
        self, waiting: Iterator[Trial], listener: Listener, submitter: Any, session: Path
    ) -> Iterator[Outcome]:
        running: list[SubmittedTrial] = []
        numbers = itertools.count(1)
        try:
            while True:
                while len(running) < self.workers and not listener.stopping():
                    if (trial := next(waiting, None)) is None:
                        break
                    submitted = SubmittedTrial(trial)
                    submitted.submit(submitter, session / f"job-{next(numbers)}", self.request)
                    running.append(submitted)
                if not running:
                    return
                for submitted in list(running):
                    stop = listener.stopping() or listener.cancelled(submitted.trial.key)
                    if stop:
                        submitted.stop()
                    try:
                        outcome = submitted.poll(listener)
                    except JobLost as lost:
                        outcome = self._handle_loss(submitted, lost, listener, stop=stop)
                        if outcome is None:
                            submitted.submit(submitter, session / f"job-{next(numbers)}", self.request)
                    if outcome is not None:
                        running.remove(submitted)
                        yield outcome
                time.sleep(_ASK_SECONDS)
        finally:
            # Reached with running jobs only if the generator is closed early, or an error ends it.
            for submitted in running:
                submitted.cancel()

    def _handle_loss(
        self, submitted: SubmittedTrial, lost: JobLost, listener: Listener, *, stop: bool
    ) -> Outcome | None:
        """Return the outcome of a trial whose job ended early, None if it is to be resumed in another job."""
        if stop:
            return submitted.outcome("stopped")
        submitted.losses += 1
        if submitted.losses > self.retries:
            return submitted.outcome("failed", f"its {submitted.worker} {lost} (retries={self.retries})")
        text = f"{submitted.worker} {lost}; its trial resumes from its last checkpoint in another job"
        listener.tell(submitted.trial.key, submitted.worker, {"kind": "notice", "text": text})
        return None


@contextlib.contextmanager
def _session_folder(out: Path) -> Iterator[Path]:
    """Yield a new folder that only this user can read, on the disk of the study; remove it at the end.

    Meanwhile a thread writes a heartbeat into it, without which the jobs end.
    """
    parent = out / "studies"
    parent.mkdir(parents=True, exist_ok=True)
    # Left by a study that was killed; without their folder, jobs that still run save their state and end.
    for stale in parent.glob(f"{_PREFIX}*"):
        shutil.rmtree(stale, ignore_errors=True)
    # mkdtemp makes it with mode 0700: a job loads the pickle in it that submitit writes.
    session = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent)).absolute()
    ended = threading.Event()

    def beats() -> None:
        for number in itertools.count(1):
            with contextlib.suppress(Exception):  # a full disk: jobs wait for `LEASE_SECONDS`
                beat(session, number)
            if ended.wait(_BEAT_SECONDS):
                return

    beat(session, 0)
    thread = threading.Thread(target=beats, daemon=True)
    thread.start()
    try:
        yield session
    finally:
        ended.set()
        thread.join(_END_SECONDS)
        shutil.rmtree(session, ignore_errors=True)
