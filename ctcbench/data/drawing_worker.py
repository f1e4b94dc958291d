"""The worker process that draws some samples of a split: ``python -m ctcbench.data.drawing_worker``."""

# Not a process of `multiprocessing`: spawned, it would import the user's script, which may start a run when
# it is imported; forked, it would inherit the locks of torch's threads without the threads.

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ctcbench.contract.errors import PluginError
from ctcbench.data.built_dataset import BuiltDataset
from ctcbench.data.drawing import draw_samples
from ctcbench.data.mixed_dataset import MixedDataset
from ctcbench.data.part_sharing import open_part
from ctcbench.data.sample_order import order_of
from ctcbench.processes.worker_main import Send, serve
from ctcbench.registry.discovery import load_registry

_LOWEST_PRIORITY = 19  # POSIX's largest niceness


def main() -> int:
    """Draw the samples of the order on standard input, and return the exit code."""
    return serve(_draw)


def _draw(order: Mapping[str, Any], send: Send) -> None:
    dataset, split = _dataset(order), order["split"]
    spec = dataset.source.image
    if [spec.channels, spec.height, spec.width] != order["shape"]:
        owner = dataset.describe_owner()
        raise PluginError(f"{owner}: it has different image sizes in different processes")
    rows, positions = dataset.rows(split, order["count"]), range(*order["positions"])
    chosen: Iterable[int] = positions
    if order["seed"] is not None:
        # In the background of a training, which needs the cores more and the images in its own order.
        os.nice(_LOWEST_PRIORITY)
        chosen = rows.in_order(order_of(order["count"], order["seed"], 0))[positions].tolist()
    draw_samples(
        dataset,
        split,
        rows.places(chosen),
        Path(order["file"]),
        order["offset"],
        lambda drawn, rejected: send({"drawn": drawn, "rejected": rejected}),
    )


def _dataset(order: Mapping[str, Any]) -> BuiltDataset:
    registry = load_registry()
    parts = [open_part(registry, document, order["split"]) for document in order["parts"]]
    share = order["extra_share"]
    return parts[0] if share is None else MixedDataset.of(parts[0], parts[1], share)


if __name__ == "__main__":
    sys.exit(main())
