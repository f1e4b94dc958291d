"""Speed of reading picture files: the whole way from files to texts, and the network alone."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from ctcbench.contract.data import Source
from ctcbench.recognition.recogniser import Recogniser


@dataclass(frozen=True)
class Round:
    """The same pictures read once from their files, and once prepared before.

    Attributes:
        seconds: wall time from files to texts.
        cpu_seconds: CPU time of all threads in it, which other programs hardly change.
        network_seconds: wall time of the network on pictures that are decoded already.
        network_cpu_seconds: CPU time of all threads in that.
    """

    seconds: float
    cpu_seconds: float
    network_seconds: float
    network_cpu_seconds: float


def measure_rounds(recogniser: Recogniser, files: Sequence[Path], rounds: int) -> list[Round]:
    """Read picture files several times; the two measurements of a round follow each other.

    Raises:
        BadSample: a file can't be read; the message names it.
    """
    # Once for nothing: the first pass starts threads and fills caches, and its error names a bad file.
    recogniser.predict(files)
    prepared = [recogniser.prepare(file) for file in files]
    found = []
    for _ in range(rounds):
        whole = _timed(lambda: recogniser.predict(files))
        network = _timed(lambda: recogniser.log_probs(prepared))
        found.append(Round(*whole, *network))
    return found


def write_pictures(source: Source, count: int, folder: Path) -> list[Path]:
    """Write test images of a data set as PNG files, and return their paths.

    Raises:
        BadSample: an image can't be drawn.
    """
    size = source.size("test")
    files = []
    for index in range(count if size is None else min(count, size)):
        image = source.draw("test", index).image
        if image.ndim == 3:
            image = image[0] if image.shape[0] == 1 else image.transpose(1, 2, 0)
        files.append(folder / f"{index}.png")
        Image.fromarray(image).save(files[-1])
    return files


def _timed(work: Callable[[], object]) -> tuple[float, float]:
    started, started_cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - started, time.process_time() - started_cpu
