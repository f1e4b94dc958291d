"""Drawing of samples in several worker processes at once."""

from __future__ import annotations

import functools
import queue
from collections.abc import Mapping
from typing import Any

from ctcbench.contract.errors import CtcbenchError
from ctcbench.data.rejected_samples import RejectedSample
from ctcbench.data.stored_set import DrawnSample, ReportBatch
from ctcbench.processes.worker_process import WorkerProcess

_QUOTED_LINES = 5


def draw_in_workers(order: Mapping[str, Any], count: int, workers: int, report: ReportBatch) -> None:
    """Draw samples 0 to `count` in `workers` processes, each a range; call `report` from this thread.

    `order` is the order of every worker but for its range: dataset (component string), split, fingerprint,
    shape (C, H, W), file and offset (bytes).

    Raises:
        OSError: a worker can't write the file.
        UsageError, PluginError: raised by a worker.
        CtcbenchError: a worker died.
    """
    # Each worker has a thread that receives its messages. They pass through one queue, so that `report`,
    # which draws the progress bar, is called from this thread only.
    messages: queue.SimpleQueue[tuple[int, Any]] = queue.SimpleQueue()
    ranges = [(count * i // workers, count * (i + 1) // workers) for i in range(workers)]
    running: dict[int, WorkerProcess] = {}
    try:
        for i, (start, stop) in enumerate(ranges):
            running[i] = WorkerProcess(
                "ctcbench.data.drawing_worker",
                {**order, "start": start, "stop": stop},
                functools.partial(_put, messages, i),
                # By default there is a worker per core: more threads would compete for the cores.
                threads=1,
            )
        while running:
            i, message = messages.get()
            if message is not None:
                report(
                    [DrawnSample(*row) for row in message["drawn"]],
                    [RejectedSample(*row) for row in message["rejected"]],
                )
                continue
            worker = running.pop(i)
            worker.end()
            if worker.error:
                raise worker.error
            if not worker.finished:
                raise _died(worker, str(order["dataset"]), *ranges[i])
    finally:
        # Also after Ctrl-C, which does not reach the workers' process groups.
        for worker in running.values():
            worker.end(kill=True)


def _put(messages: queue.SimpleQueue[tuple[int, Any]], i: int, message: Any) -> None:
    messages.put((i, message))


def _died(worker: WorkerProcess, dataset: str, start: int, stop: int) -> CtcbenchError:
    lines = "\n".join(worker.stderr.splitlines()[-_QUOTED_LINES:])
    return CtcbenchError(
        f"dataset {dataset}: the process that drew samples {start} to {stop - 1} {worker.exit_description}"
        + (f"; its last lines:\n{lines}" if lines else "")
    )
