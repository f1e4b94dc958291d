"""Drawing of samples in several worker processes at once."""

from __future__ import annotations

import functools
import queue
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ctcbench.contract.errors import CtcbenchError
from ctcbench.data.drawing_watch import DrawingWatch
from ctcbench.data.drawn_columns import DrawnSample
from ctcbench.data.rejected_samples import RejectedSample
from ctcbench.data.stored_set import ReportBatch
from ctcbench.processes.worker_process import WorkerProcess

_QUOTED_LINES = 5
_CHECK_SECONDS = 0.1


def draw_in_workers(
    order: Mapping[str, Any],
    files: Sequence[Path],
    rows: int,
    report: ReportBatch,
    watch: DrawingWatch | None = None,
) -> None:
    """Draw the images of `rows` rows in one process for each of `files`; call `report` from this thread.

    Without `watch` each worker draws a range of rows, the first worker the first of them. With it they draw
    at the lowest priority, and all of them along the order in which the first epoch of a training reads the
    samples.

    `order` is the order of every worker but for its rows and the file that it writes, which may be the same
    for all: dataset (component string), split, count (of samples), parts, extra_share, shape (C, H, W) and
    offset (bytes, or None to append).

    Raises:
        OSError: a worker can't write the file.
        UsageError, PluginError: raised by a worker.
        CtcbenchError: a worker died.
    """
    # Each worker has a thread that receives its messages. They pass through one queue, so that `report`,
    # which draws the progress bar, is called from this thread only.
    messages: queue.SimpleQueue[tuple[int, Any]] = queue.SimpleQueue()
    seed = None if watch is None else watch.seed
    workers = len(files)
    if seed is None:
        shares = [(rows * i // workers, rows * (i + 1) // workers, 1) for i in range(workers)]
    else:
        shares = [(i, rows, workers) for i in range(workers)]
    running: dict[int, WorkerProcess] = {}
    try:
        for i, share in enumerate(shares):
            running[i] = WorkerProcess(
                "ctcbench.data.drawing_worker",
                {**order, "file": str(files[i]), "seed": seed, "positions": share},
                functools.partial(_put, messages, i),
                # By default there is a worker per core: more threads would compete for the cores.
                threads=1,
            )
        while running:
            if watch is not None:
                watch.check()
            try:
                i, message = messages.get(timeout=_CHECK_SECONDS)
            except queue.Empty:
                continue
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
                raise _died(worker, str(order["dataset"]), shares[i])
    finally:
        # Also after Ctrl-C, which does not reach the workers' process groups.
        for worker in running.values():
            worker.end(kill=True)


def _put(messages: queue.SimpleQueue[tuple[int, Any]], i: int, message: Any) -> None:
    messages.put((i, message))


def _died(worker: WorkerProcess, dataset: str, share: tuple[int, int, int]) -> CtcbenchError:
    start, stop, step = share
    drawn = f"images {start} to {stop - 1}" if step == 1 else "some of its samples"
    lines = "\n".join(worker.stderr.splitlines()[-_QUOTED_LINES:])
    return CtcbenchError(
        f"dataset {dataset}: the process that drew {drawn} {worker.exit_description}"
        + (f"; its last lines:\n{lines}" if lines else "")
    )
