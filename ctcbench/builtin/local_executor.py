"""The executor `local`: worker processes on this machine, each with its share of cores or GPUs."""

from __future__ import annotations

import os
import queue
import shutil
import subprocess
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field

from ctcbench import TrialProcess
from ctcbench.contract.components import executor
from ctcbench.contract.errors import UsageError
from ctcbench.contract.executors import Event, Executor, Listener, Outcome, Trial
from ctcbench.processes.cores import available_cores

_ASK_SECONDS = 0.2  # between two calls of listener.stopping()
_MOST_BY_DEFAULT = 8  # each worker holds a model, torch and its images in memory


@executor
def local(
    *,
    workers: Annotated[
        int,
        Field(
            ge=0,
            le=1024,
            description="trials at once (0: per_gpu on each GPU; without GPUs one per core, at most 8)",
        ),
    ] = 0,
    threads: Annotated[
        int, Field(ge=0, le=1024, description="CPU threads of a worker (0: its share of the cores)")
    ] = 0,
    per_gpu: Annotated[int, Field(ge=1, le=64, description="trials at once on each GPU")] = 1,
) -> Executor:
    """Worker processes on this machine, each with its share of the cores or of the GPUs."""
    return _local_for(_LocalOptions(workers, threads, per_gpu), _gpus())


@dataclass(frozen=True)
class _LocalOptions:
    """The options as they were given."""

    workers: int
    threads: int
    per_gpu: int


def _local_for(options: _LocalOptions, gpus: Sequence[str]) -> _Local:
    cores = available_cores()
    count = options.workers or (len(gpus) * options.per_gpu if gpus else min(cores, _MOST_BY_DEFAULT))
    return _Local(count, options.threads or max(1, cores // count), tuple(gpus), options)


@dataclass(frozen=True)
class _Local:
    """Runs a number of trials at the same time, each in its own process."""

    workers: int
    threads: int
    gpus: tuple[str, ...]
    options: _LocalOptions

    def for_devices(self, devices: Collection[str]) -> Executor:
        """Return the executor for trials with these settings of ``device``: cores alone if all are cpu.

        Raises:
            UsageError: a setting names a GPU by its number.
        """
        # A worker sees its own GPU only, so a number would mean another GPU, or none.
        numbered = sorted(device for device in devices if device.startswith("cuda:"))
        if numbered and self.gpus:
            raise UsageError(
                f"--device {numbered[0]}: each worker of a study has one GPU, its cuda:0; use --device "
                f"cuda, and CUDA_VISIBLE_DEVICES={numbered[0][5:]} for this GPU alone"
            )
        # Otherwise one GPU would limit a study on the CPU to a single worker.
        return _local_for(self.options, ()) if set(devices) == {"cpu"} else self

    def describe(self) -> Mapping[str, Any]:
        """Return the number of workers, the threads of each, and the number of GPUs."""
        return {"workers": self.workers, "threads": self.threads, "gpus": len(self.gpus)}

    def run(self, trials: Iterable[Trial], listener: Listener) -> Iterator[Outcome]:
        """Run the trials in order, and yield each outcome as its trial ends; see `Executor.run`."""
        waiting = iter(trials)
        # Reversed, because pop() takes from the end: free workers are used in order.
        free = list(reversed(range(self.workers)))
        news: queue.SimpleQueue[tuple[int, Event | None]] = queue.SimpleQueue()
        running: dict[int, tuple[Trial, TrialProcess]] = {}
        try:
            while True:
                # Before each trial: an iterator may take a while to make one.
                while free and not listener.stopping() and (trial := next(waiting, None)):
                    place = free.pop()
                    running[place] = trial, self._begin(place, trial, news)
                if not running:
                    return
                for trial, process in running.values():
                    if listener.stopping() or listener.cancelled(trial.key):
                        process.stop()
                try:
                    place, event = news.get(timeout=_ASK_SECONDS)
                except queue.Empty:
                    continue
                trial, process = running[place]
                if event is not None:
                    listener.tell(trial.key, self._name(place), event)
                    continue
                outcome = process.end()
                del running[place]
                free.append(place)
                yield outcome
        finally:
            for _, process in running.values():
                # Reached with running trials only if the generator is closed early, or an error ends it.
                process.end(kill=True)

    def _begin(
        self, place: int, trial: Trial, news: queue.SimpleQueue[tuple[int, Event | None]]
    ) -> TrialProcess:
        gpu = self._gpu(place)
        return TrialProcess(
            trial.order,
            # From the thread that reads the process's output: the listener may be called from this one only.
            lambda event: news.put((place, event)),
            threads=self.threads,
            # The variable instead of --device cuda:1: settings of a run do not depend on the worker that
            # trains it.
            environment={} if gpu is None else {"CUDA_VISIBLE_DEVICES": gpu},
        )

    def _gpu(self, place: int) -> str | None:
        return self.gpus[place % len(self.gpus)] if self.gpus else None

    def _name(self, place: int) -> str:
        gpu = self._gpu(place)
        return f"worker {place + 1}" + (f" on GPU {gpu}" if gpu else "")


def _gpus() -> list[str]:
    """Return the GPUs that this process may use, as in CUDA_VISIBLE_DEVICES."""
    # From nvidia-smi, because importing torch takes seconds.
    if (chosen := os.environ.get("CUDA_VISIBLE_DEVICES")) is not None:
        return [name.strip() for name in chosen.split(",") if name.strip() and name.strip() != "-1"]
    program = shutil.which("nvidia-smi")
    if program is None:
        return []
    listed = subprocess.run([program, "--list-gpus"], capture_output=True, text=True, check=False)
    return [str(i) for i, line in enumerate(listed.stdout.splitlines()) if line.startswith("GPU ")]
