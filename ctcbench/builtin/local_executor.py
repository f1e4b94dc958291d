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

from ctcbench import TrialGroupProcess
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
            description="worker processes (0: per_gpu on each GPU; without GPUs one per core, at most 8)",
        ),
    ] = 0,
    threads: Annotated[
        int, Field(ge=0, le=1024, description="CPU threads of a worker (0: its share of the cores)")
    ] = 0,
    per_gpu: Annotated[int, Field(ge=1, le=64, description="worker processes on each GPU")] = 1,
    together: Annotated[
        int,
        Field(
            ge=1,
            le=32,
            description="seeds of a configuration that a worker trains at once, which saves time on a GPU",
        ),
    ] = 1,
) -> Executor:
    """Worker processes on this machine, each with its share of the cores or of the GPUs."""
    return _local_for(_LocalOptions(workers, threads, per_gpu, together), _gpus())


@dataclass(frozen=True)
class _LocalOptions:
    """The options as they were given."""

    workers: int
    threads: int
    per_gpu: int
    together: int


def _local_for(options: _LocalOptions, gpus: Sequence[str]) -> _Local:
    cores = available_cores()
    count = options.workers or (len(gpus) * options.per_gpu if gpus else min(cores, _MOST_BY_DEFAULT))
    return _Local(count, options.threads or max(1, cores // count), tuple(gpus), options)


@dataclass(frozen=True)
class _Local:
    """Runs a number of worker processes at the same time, each with a trial, or with several together."""

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
        """Return the number of trials at once, the threads of each worker, and the number of GPUs."""
        together = self.options.together
        described = {"workers": self.workers * together, "threads": self.threads, "gpus": len(self.gpus)}
        return described | ({"together": together} if together > 1 else {})

    def run(self, trials: Iterable[Trial], listener: Listener) -> Iterator[Outcome]:
        """Run the trials in order, and yield each outcome as its trial ends; see `Executor.run`."""
        waiting = iter(_groups(trials, self.options.together, self.workers))
        # Reversed, because pop() takes from the end: free workers are used in order.
        free = list(reversed(range(self.workers)))
        news: queue.SimpleQueue[tuple[int, str, Event | None]] = queue.SimpleQueue()
        running: dict[int, _Worker] = {}
        try:
            while True:
                # Before each group: an iterator may take a while to make a trial.
                while free and not listener.stopping() and (group := next(waiting, None)):
                    place = free.pop()
                    running[place] = self._begin(place, group, news)
                if not running:
                    return
                for worker in running.values():
                    if listener.stopping():
                        worker.process.stop()
                    for key in filter(listener.cancelled, worker.running):
                        worker.process.stop(key)
                try:
                    place, key, event = news.get(timeout=_ASK_SECONDS)
                except queue.Empty:
                    continue
                worker = running[place]
                if event is not None:
                    listener.tell(key, worker.names[key], event)
                elif key:
                    worker.running.discard(key)
                    yield worker.process.outcome_of(key)
                else:
                    del running[place]
                    free.append(place)
                    for outcome in worker.process.end():
                        if outcome.key in worker.running:
                            yield outcome
        finally:
            for worker in running.values():
                # Reached with running trials only if the generator is closed early, or an error ends it.
                worker.process.end(kill=True)

    def _begin(
        self, place: int, group: Sequence[Trial], news: queue.SimpleQueue[tuple[int, str, Event | None]]
    ) -> _Worker:
        gpu = self._gpu(place)
        # The variable instead of --device cuda:1: settings of a run do not depend on the worker that
        # trains it.
        environment = {} if gpu is None else {"CUDA_VISIBLE_DEVICES": gpu}
        if gpu is not None and len(group) > 1:
            # Streams share the connections to a GPU, of which there are eight otherwise, and wait for each
            # other on the same one.
            environment["CUDA_DEVICE_MAX_CONNECTIONS"] = os.environ.get("CUDA_DEVICE_MAX_CONNECTIONS", "32")
        process = TrialGroupProcess(
            [trial.order for trial in group],
            # From the thread that reads the process's output: the listener may be called from this one only.
            lambda key, event: news.put((place, key, event)),
            threads=self.threads,
            environment=environment,
        )
        names = {
            trial.key: self._name(place) + (f", training {number}" if self.options.together > 1 else "")
            for number, trial in enumerate(group, start=1)
        }
        return _Worker(process, names, {trial.key for trial in group})

    def _gpu(self, place: int) -> str | None:
        return self.gpus[place % len(self.gpus)] if self.gpus else None

    def _name(self, place: int) -> str:
        gpu = self._gpu(place)
        return f"worker {place + 1}" + (f" on GPU {gpu}" if gpu else "")


@dataclass(frozen=True)
class _Worker:
    """A worker process, the names of its trials in progress messages, and which of them have no outcome."""

    process: TrialGroupProcess
    names: Mapping[str, str]
    running: set[str]


def _groups(trials: Iterable[Trial], together: int, workers: int) -> Iterator[Sequence[Trial]]:
    """Yield the trials in groups for one worker each, of equal settings but for the seed."""
    # Which trials an iterator makes next is not known.
    if not isinstance(trials, Sequence):
        yield from ([trial] for trial in trials)
        return
    alike: dict[str, list[Trial]] = {}
    for trial in trials:
        alike.setdefault((together > 1 and trial.recipe_key) or trial.key, []).append(trial)
    for same in alike.values():
        # More groups than needed where a worker would have nothing to do otherwise.
        count = max(-(-len(same) // together), min(len(same), workers // len(alike)))
        for number in range(count):
            yield same[number * len(same) // count : (number + 1) * len(same) // count]


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
