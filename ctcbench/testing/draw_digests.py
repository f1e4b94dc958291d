"""Digests of samples, in this process and in a worker: ``python -m ctcbench.testing.draw_digests``."""

from __future__ import annotations

import hashlib
import importlib
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ctcbench.contract.components import Component
from ctcbench.contract.errors import BadSample
from ctcbench.processes.worker_main import Send, serve
from ctcbench.processes.worker_process import WorkerProcess
from ctcbench.registry.discovery import load_registry


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


def digests_in_worker(
    component: Component, options: Mapping[str, str], shared: Path | None, split: str, indices: Sequence[int]
) -> list[str] | str:
    """Return what a worker computes for the source that it builds, or why it could not.

    Args:
        component: the data set.
        options: its options, as texts.
        shared: the folder in which a source has shared its index: the worker opens that one instead.
        split: the split to draw from.
        indices: the samples to draw.
    """
    function = component.builder if shared is None or component.reopen is None else component.reopen
    order = {
        "module": function.__module__,
        "function": function.__qualname__,
        "name": component.name,
        "options": dict(options),
        "shared": None if shared is None else str(shared),
        "split": split,
        "indices": list(indices),
    }
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
    source = _source(order)
    return [digest(source, order["split"], index) for index in order["indices"]]


def _source(order: Mapping[str, Any]) -> Any:
    """Return the source, from the component or function at the top of its module, or an installed plugin."""
    found: Any = importlib.import_module(order["module"])
    for part in order["function"].split("."):
        found = getattr(found, part, None)
    if order["shared"] is not None and callable(found):
        return found(Path(order["shared"]))
    if not callable(found):
        # Made within a function, as where a plugin lists one for each of many names.
        found = load_registry().get("dataset", order["name"])
    return (found if isinstance(found, Component) else Component("dataset", found))(**order["options"])


if __name__ == "__main__":
    sys.exit(main())
