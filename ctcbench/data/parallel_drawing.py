"""Draws samples in several subprocesses at once, and leaves none behind."""

from __future__ import annotations

import queue
from collections.abc import Mapping
from typing import Any

from ctcbench.contract.errors import CtcbenchError, PluginError, UsageError
from ctcbench.data.drawn_set import Bad, Drawn, Report
from ctcbench.processes.worker_process import WorkerProcess

_TOLD_LINES = 5


def draw_in_workers(order: Mapping[str, Any], count: int, workers: int, report: Report) -> None:
    """Draw samples 0 to `count` in `workers` subprocesses, each a range; report from this thread.

    `order` is what every worker is told, but for its range: dataset (component string), split,
    fingerprint, shape (C, H, W), file and offset (bytes).

    Raises:
        OSError: a worker can't write the file.
        UsageError, PluginError, CtcbenchError: a worker's own, or that one died.
    """
    messages: queue.SimpleQueue[tuple[int, Any]] = queue.SimpleQueue()
    ranges = [(count * i // workers, count * (i + 1) // workers) for i in range(workers)]
    running: dict[int, WorkerProcess] = {}
    try:
        for i, (start, stop) in enumerate(ranges):
            running[i] = _begin({**order, "start": start, "stop": stop}, i, messages)
        while running:
            i, message = messages.get()
            if message is not None:
                _take(message, report)
                continue
            code = running[i].wait()
            worker = running.pop(i)
            worker.end()
            if code != 0:
                raise _died(worker, str(order["dataset"]), *ranges[i])
    finally:
        for worker in running.values():
            worker.end(kill=True)


def _begin(order: Mapping[str, Any], i: int, messages: queue.SimpleQueue[tuple[int, Any]]) -> WorkerProcess:
    def hear(message: Any) -> bool:
        messages.put((i, message))
        return True

    return WorkerProcess("ctcbench.data.drawing_worker", order, hear, threads=1)


def _take(message: Mapping[str, Any], report: Report) -> None:
    if "error" not in message:
        report([Drawn(*row) for row in message["drawn"]], [Bad(*row) for row in message["bad"]])
    elif message["kind"] == "system":
        raise OSError(message["errno"], message["error"])
    else:
        kinds = {"usage": UsageError, "plugin": PluginError}
        raise kinds.get(message["kind"], CtcbenchError)(message["error"])


def _died(worker: WorkerProcess, dataset: str, start: int, stop: int) -> CtcbenchError:
    words = "\n".join(worker.last_words.splitlines()[-_TOLD_LINES:])
    return CtcbenchError(
        f"dataset {dataset}: the process that drew samples {start} to {stop - 1} {worker.how}"
        + (f"; its last lines:\n{words}" if words else "")
    )
