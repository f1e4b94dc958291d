"""The executor that ships: worker processes on this machine, each with its share of cores or GPUs."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Annotated, Any

from pydantic import Field

from ctcbench.contract.components import executor
from ctcbench.contract.errors import UsageError
from ctcbench.contract.executors import Executor, Listener, Outcome, Trial

_ASK_SECONDS = 0.2
_CHARACTERS_OF_STDERR = 20_000
_MOST_BY_DEFAULT = 8  # each worker holds a model, torch and its images in memory


@executor
def local(
    *,
    workers: Annotated[
        int, Field(ge=0, le=1024, description="trials at once (0: per_gpu a GPU, else one a core, at most 8)")
    ] = 0,
    threads: Annotated[
        int, Field(ge=0, le=1024, description="CPU threads a worker (0: its share of the cores)")
    ] = 0,
    per_gpu: Annotated[int, Field(ge=1, le=64, description="trials at once on each GPU")] = 1,
) -> Executor:
    """Worker processes on this machine, with their share of cores, or of GPUs where it has some to use."""
    return _share_out(_Asked(workers, threads, per_gpu), _gpus())


@dataclass(frozen=True)
class _Asked:
    """The options as they were given."""

    workers: int
    threads: int
    per_gpu: int


def _share_out(asked: _Asked, gpus: Sequence[str]) -> _Local:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    count = asked.workers or (len(gpus) * asked.per_gpu if gpus else min(cores, _MOST_BY_DEFAULT))
    return _Local(count, asked.threads or max(1, cores // count), tuple(gpus), asked)


@dataclass(frozen=True)
class _Worker:
    name: str
    trial: Trial
    process: subprocess.Popen[bytes]
    stderr: IO[bytes]
    listener: threading.Thread
    started: float

    def died(self, stopping: bool) -> Outcome:
        """Return the outcome of a worker that left none."""
        code = self.process.wait()
        seconds = time.monotonic() - self.started
        if stopping:
            return Outcome(self.trial.key, "stopped", seconds=seconds)
        self.stderr.seek(0)
        words = self.stderr.read()[-_CHARACTERS_OF_STDERR:].decode(errors="replace").strip()
        if code < 0:
            names = {number.value: number.name for number in signal.Signals}
            how = f"was killed by {names.get(-code, f'signal {-code}')}"
            how += " (out of memory?)" if -code == signal.SIGKILL else ""
        else:
            how = f"ended with exit code {code}"
            how += f": {words.splitlines()[-1]}" if words else ""
        return Outcome(self.trial.key, "failed", f"its worker {how}", words, seconds)


@dataclass(frozen=True)
class _Local:
    """Runs as many trials at once as it has places; each trial is a process of its own."""

    workers: int
    threads: int
    gpus: tuple[str, ...]
    asked: _Asked

    def for_devices(self, devices: Collection[str]) -> Executor:
        """Return the executor for trials with these settings of ``device``: cores alone if all are cpu.

        Raises:
            UsageError: one names a GPU by number.
        """
        numbered = sorted(device for device in devices if device.startswith("cuda:"))
        if numbered and self.gpus:
            raise UsageError(
                f"--device {numbered[0]}: a study's workers get a GPU each, and know no other; use --device "
                f"cuda, and CUDA_VISIBLE_DEVICES={numbered[0][5:]} for this GPU alone"
            )
        return _share_out(self.asked, ()) if set(devices) == {"cpu"} else self

    def describe(self) -> Mapping[str, Any]:
        """Return the number of workers, the threads of each, and the number of GPUs."""
        return {"workers": self.workers, "threads": self.threads, "gpus": len(self.gpus)}

    def run(self, trials: Sequence[Trial], listener: Listener) -> Iterator[Outcome]:
        """Run the trials in order, and yield each outcome as it comes; see `Executor.run`."""
        waiting = list(reversed(trials))
        free = list(reversed(range(self.workers)))
        lines: queue.SimpleQueue[tuple[int, bytes]] = queue.SimpleQueue()
        running: dict[int, _Worker] = {}
        told_to_stop = False
        try:
            while running or (waiting and not told_to_stop):
                while waiting and free and not listener.stopping():
                    place = free.pop()
                    running[place] = self._start(place, waiting.pop(), lines)
                if listener.stopping() and not told_to_stop:
                    told_to_stop = True
                    for worker in running.values():
                        with contextlib.suppress(ProcessLookupError):
                            worker.process.send_signal(signal.SIGINT)
                try:
                    place, line = lines.get(timeout=_ASK_SECONDS)
                except queue.Empty:
                    continue
                worker = running[place]
                message = json.loads(line) if line else {}
                if line and "outcome" not in message:
                    listener.tell(worker.trial.key, worker.name, message)
                    continue
                del running[place]
                outcome = Outcome(**message["outcome"]) if line else worker.died(told_to_stop)
                seconds = time.monotonic() - worker.started
                _end(worker)
                free.append(place)
                yield Outcome(outcome.key, outcome.state, outcome.error, outcome.traceback, seconds)
        finally:
            for worker in running.values():
                _end(worker, kill=True)

    def _start(self, place: int, trial: Trial, lines: queue.SimpleQueue[tuple[int, bytes]]) -> _Worker:
        gpu = self.gpus[place % len(self.gpus)] if self.gpus else None
        stderr = tempfile.TemporaryFile()  # noqa: SIM115 (the worker's end closes it)
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "ctcbench.study.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            env=_environment(self.threads, gpu),
            process_group=0,  # Ctrl-C is for this process, which then asks the workers to save
        )
        assert process.stdin
        with contextlib.suppress(BrokenPipeError):  # dead already: its exit code tells
            process.stdin.write(json.dumps({**trial.order, "threads": self.threads}).encode() + b"\n")
            process.stdin.flush()
        # Standard input stays open: its end is how the worker learns that this process is gone.
        thread = threading.Thread(target=_listen, args=(process, place, lines), daemon=True)
        name = f"worker {place + 1}" + (f" on GPU {gpu}" if gpu else "")
        worker = _Worker(name, trial, process, stderr, thread, time.monotonic())
        thread.start()
        return worker


def _listen(
    process: subprocess.Popen[bytes], place: int, lines: queue.SimpleQueue[tuple[int, bytes]]
) -> None:
    """Pass on whole lines up to the outcome; an empty one says that there was none."""
    assert process.stdout
    for line in process.stdout:
        if line.endswith(b"\n"):  # else it was killed in the middle of a line
            lines.put((place, line))
            if line.startswith(b'{"outcome"'):
                return
    lines.put((place, b""))


def _end(worker: _Worker, *, kill: bool = False) -> None:
    if kill:
        worker.process.kill()
    assert worker.process.stdin
    assert worker.process.stdout
    with contextlib.suppress(OSError):
        worker.process.stdin.close()  # one that lingers ends by this
    worker.process.wait()
    worker.listener.join()
    worker.process.stdout.close()
    worker.stderr.close()


def _environment(threads: int, gpu: str | None) -> dict[str, str]:
    """Return a worker's environment: the same modules are found, its threads and its GPU are its own."""
    paths = [str(Path(entry or ".").absolute()) for entry in sys.path]
    share = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), str(threads))
    seen = {} if gpu is None else {"CUDA_VISIBLE_DEVICES": gpu}
    return {**os.environ, **share, **seen, "PYTHONPATH": os.pathsep.join(paths)}


def _gpus() -> list[str]:
    """Return the GPUs that this process may use, as CUDA_VISIBLE_DEVICES names them; torch stays out."""
    if (chosen := os.environ.get("CUDA_VISIBLE_DEVICES")) is not None:
        return [name.strip() for name in chosen.split(",") if name.strip() and name.strip() != "-1"]
    program = shutil.which("nvidia-smi")
    if program is None:
        return []
    listed = subprocess.run([program, "--list-gpus"], capture_output=True, text=True, check=False)
    return [str(i) for i, line in enumerate(listed.stdout.splitlines()) if line.startswith("GPU ")]
