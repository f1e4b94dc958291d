"""Draws samples in several subprocesses at once, and leaves none behind."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from ctcbench.contract.errors import CtcbenchError, PluginError, UsageError
from ctcbench.data.store import Bad, Drawn, Report

_TOLD_LINES = 5


@dataclass(frozen=True)
class _Worker:
    process: subprocess.Popen[bytes]
    stderr: IO[bytes]
    start: int
    stop: int

    def last_words(self) -> str:
        """Return the last lines that the worker wrote on standard error."""
        self.stderr.seek(0)
        lines = self.stderr.read()[-20_000:].decode(errors="replace").strip().splitlines()
        return "\n".join(lines[-_TOLD_LINES:])


def default_workers() -> int:
    """Return the number of cores that this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def draw_in_workers(order: Mapping[str, Any], count: int, workers: int, report: Report) -> None:
    """Draw samples 0 to `count` in `workers` subprocesses, each a range; report from this thread.

    `order` is what every worker is told, but for its range: dataset (component string), split,
    fingerprint, shape (C, H, W), file and offset (bytes).

    Raises:
        OSError: a worker can't write the file.
        UsageError, PluginError, CtcbenchError: a worker's own, or that one died.
    """
    messages: queue.SimpleQueue[tuple[_Worker, bytes]] = queue.SimpleQueue()
    with contextlib.ExitStack() as stack:
        for i in range(workers):
            bounds = (count * i // workers, count * (i + 1) // workers)
            stack.enter_context(_worker(order, *bounds, messages))
        running = workers
        while running:
            worker, line = messages.get()
            if line:
                _take(line, report)
            else:
                running -= 1
                if worker.process.wait() != 0:
                    raise _died(worker, str(order["dataset"]))


def _listen(worker: _Worker, messages: queue.SimpleQueue[tuple[_Worker, bytes]]) -> None:
    assert worker.process.stdout
    for line in worker.process.stdout:
        if line.endswith(b"\n"):  # else it was killed in the middle of a line
            messages.put((worker, line))
    messages.put((worker, b""))


def _take(line: bytes, report: Report) -> None:
    message = json.loads(line)
    if "error" not in message:
        report([Drawn(*row) for row in message["drawn"]], [Bad(*row) for row in message["bad"]])
    elif message["kind"] == "system":
        raise OSError(message["errno"], message["error"])
    else:
        kinds = {"usage": UsageError, "plugin": PluginError}
        raise kinds.get(message["kind"], CtcbenchError)(message["error"])


def _died(worker: _Worker, dataset: str) -> CtcbenchError:
    code = worker.process.returncode
    how = f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
    words = worker.last_words()
    return CtcbenchError(
        f"dataset {dataset}: the process that drew samples {worker.start} to {worker.stop - 1} {how}"
        + (f"; its last lines:\n{words}" if words else "")
    )


@contextlib.contextmanager
def _worker(
    order: Mapping[str, Any], start: int, stop: int, messages: queue.SimpleQueue[tuple[_Worker, bytes]]
) -> Iterator[_Worker]:
    """Start a worker, its lines going to `messages`; at the end it is dead, however the end came."""
    with tempfile.TemporaryFile() as stderr:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "ctcbench.data.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            env=_environment(),
            process_group=0,  # Ctrl-C is for this process, which then ends the worker
        )
        assert process.stdin
        assert process.stdout
        worker = _Worker(process, stderr, start, stop)
        listener = threading.Thread(target=_listen, args=(worker, messages), daemon=True)
        listener.start()
        try:
            with contextlib.suppress(BrokenPipeError):  # dead already: its exit code tells
                process.stdin.write(json.dumps({**order, "start": start, "stop": stop}).encode() + b"\n")
                process.stdin.flush()
            # Standard input stays open: its end is how the worker learns that this process is gone.
            yield worker
        finally:
            process.kill()
            process.wait()
            listener.join()
            process.stdout.close()
            with contextlib.suppress(OSError):
                process.stdin.close()


def _environment() -> dict[str, str]:
    """Return the worker's environment: the same modules are found, and each keeps to one core."""
    paths = [str(Path(entry or ".").absolute()) for entry in sys.path]
    one_core = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    return {**os.environ, **one_core, "PYTHONPATH": os.pathsep.join(paths)}
