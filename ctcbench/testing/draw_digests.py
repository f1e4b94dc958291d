"""Digests of samples, in this process and in a worker: ``python -m ctcbench.testing.draw_digests``."""

from __future__ import annotations

import base64
import functools
import hashlib
import pickle
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ctcbench.contract.errors import BadSample
from ctcbench.processes.worker_main import Send, serve
from ctcbench.processes.worker_process import WorkerProcess


def digest(source: Any, split: str, index: int) -> str:
    """Return a digest of a sample's text and pixels, or the reason why the sample can't be used."""
    try:
        sample = source.draw(split, index)
    except BadSample as error:
        # A bad sample must be bad in every process, and for the same reason.
        return f"bad {split}/{index}: {error}"
    image = np.ascontiguousarray(sample.image)
    # The same bytes in another shape or type are another image.
    described = f"{sample.text} {sample.width} {image.shape} {image.dtype} ".encode()
    return hashlib.sha256(described + image.tobytes()).hexdigest()


def digests_in_worker(pickled: bytes, split: str, indices: Sequence[int]) -> list[str] | str:
    """Return what a worker computes for a pickled source, or a call that opens one; or why it could not."""
    # The pickle is sent through the pipe of the worker: one that is loaded from a file could be replaced
    # by another user in between, and loading it runs code.
    order = {"split": split, "indices": list(indices), "source": base64.b64encode(pickled).decode()}
    worker = WorkerProcess(
        __name__,
        order,
        lambda message: None,
        threads=1,
        environment={"PYTHONHASHSEED": "271"},  # hash() of a str differs from this process's
    )
    try:
        worker.wait()
    finally:
        worker.end()
    if worker.finished:
        return list(worker.outcome)
    # A worker that was killed has reported no error; what is left is its standard error, or its exit code.
    return str(worker.error or "") or worker.stderr.rpartition("\n")[2] or worker.exit_description


def main() -> int:
    """Draw the samples of the order on standard input, and return the exit code."""
    return serve(_draw)


def _draw(order: Mapping[str, Any], send: Send) -> list[str]:
    source = pickle.loads(base64.b64decode(order["source"]))
    if isinstance(source, functools.partial):  # the call that opens a shared source
        source = source()
    return [digest(source, order["split"], index) for index in order["indices"]]


if __name__ == "__main__":
    sys.exit(main())
