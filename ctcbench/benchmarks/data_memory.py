"""Benchmark of a cached data set: memory that reading it needs, and the time of a batch."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ctcbench.contract.data import Samples
from ctcbench.contract.errors import CtcbenchError

BATCH_SIZE = 32


@dataclass(frozen=True)
class DataCost:
    """Memory and time that reading all images needs.

    Attributes:
        images: number of images.
        file_mib: size of the images' file in MiB.
        private_mib: private memory of the process that reading added, in MiB. Pages of the mapped file
            are not in it: the system shares them and can evict them at any time.
        mapped_mib: pages of the file that reading mapped, in MiB.
        batch_us: microseconds of each batch of 32.
    """

    images: int
    file_mib: float
    private_mib: float
    mapped_mib: float
    batch_us: list[float]


def measure(samples: Samples) -> DataCost:
    """Read every image once, in random batches, and return memory and times.

    Raises:
        CtcbenchError: this system does not report a process's private memory.
    """
    # Differences: the interpreter and its libraries have memory of their own.
    before_private, before_mapped = _memory_mib()
    # In random order, as in training: reading ahead, which helps a sequential pass, has no effect.
    order_N = np.random.default_rng(0).permutation(len(samples))
    times_us = []
    for start in range(0, len(samples), BATCH_SIZE):
        started = time.perf_counter()
        samples.images_NCHW[order_N[start : start + BATCH_SIZE]]
        times_us.append((time.perf_counter() - started) * 1e6)
    private, mapped = _memory_mib()
    return DataCost(
        len(samples),
        samples.images_NCHW.nbytes / 2**20,
        private - before_private,
        mapped - before_mapped,
        times_us,
    )


def _memory_mib(status: Path = Path("/proc/self/status")) -> tuple[float, float]:
    """Return this process's private and file-backed resident memory."""
    try:
        lines = dict(line.split(":", 1) for line in status.read_text().splitlines() if ":" in line)
        return tuple(int(lines[key].split()[0]) / 1024 for key in ("RssAnon", "RssFile"))  # type: ignore[return-value]
    except (OSError, KeyError) as error:
        raise CtcbenchError(f"bench data needs {status}, which this system does not have: {error}") from None
