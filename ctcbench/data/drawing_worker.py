"""The worker process that draws some samples of a split: ``python -m ctcbench.data.drawing_worker``."""

# Not a process of `multiprocessing`: spawned, it would import the user's script, which may start a run when
# it is imported; forked, it would inherit the locks of torch's threads without the threads.

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ctcbench.contract.data import Source
from ctcbench.contract.errors import PluginError, UsageError
from ctcbench.data.built_dataset import build_source, reopen_source
from ctcbench.data.drawing import draw_samples
from ctcbench.data.sample_order import order_of
from ctcbench.processes.worker_main import Send, serve
from ctcbench.registry.discovery import load_registry

_LOWEST_PRIORITY = 19  # POSIX's largest niceness


def main() -> int:
    """Draw the samples of the order on standard input, and return the exit code."""
    return serve(_draw)


def _draw(order: Mapping[str, Any], send: Send) -> None:
    source, split = _source(order), order["split"]
    spec = source.image
    if [spec.channels, spec.height, spec.width] != order["shape"]:
        raise PluginError(f"dataset {order['dataset']} has different image sizes in different processes")
    positions = range(*order["positions"])
    indices: Iterable[int] = positions
    if order["seed"] is not None:
        # In the background of a training, which needs the cores more and the images in its own order.
        os.nice(_LOWEST_PRIORITY)
        indices = order_of(order["count"], order["seed"], 0)[positions].tolist()
    draw_samples(
        source,
        split,
        indices,
        Path(order["file"]),
        order["offset"],
        lambda drawn, rejected: send({"drawn": drawn, "rejected": rejected}),
    )


def _source(order: Mapping[str, Any]) -> Source:
    registry, dataset, split = load_registry(), order["dataset"], order["split"]
    if order["shared"] is not None:
        return reopen_source(registry, dataset, Path(order["shared"]))
    source = build_source(registry, dataset)
    # The samples are stored under the parent's fingerprint. Those of changed files must not be, and with a
    # fingerprint that no other process computes again the cache would never be used.
    if source.fingerprint(split) != order["fingerprint"]:
        raise UsageError(
            f"dataset {order['dataset']}: the fingerprint of {split} differs between processes; if its "
            f"files changed, try again; else it must depend on the options only, not on time, id() or hash()"
        )
    return source


if __name__ == "__main__":
    sys.exit(main())
