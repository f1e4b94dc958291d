"""Speed of reading picture files: the whole way from files to texts, and the network alone."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from ctcbench.contract.data import Source
from ctcbench.contract.errors import BadSample
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


def picture_files(source: Source, count: int, folder: Path) -> list[Path]:
    """Return files of the first test images of a data set that can be used, `count` at most.

    Pictures are those of the data set, as they are before they are cropped and scaled. Images that are drawn
    are written into `folder` as PNG.
    """
    size = source.size("test")
    stored: Callable[[str, int], tuple[Path | bytes, str]] | None
    stored = getattr(source, "labelled_picture", None)
    files: list[Path] = []
    for index in range(count if size is None else size):
        if len(files) == count:
            break
        try:
            image = source.draw("test", index).image
        except BadSample:
            continue  # left out by the run, too
        file = folder / f"{index}"
        if stored is not None:
            picture, _ = stored("test", index)
            if isinstance(picture, bytes):
                file.write_bytes(picture)
            files.append(file if isinstance(picture, bytes) else picture)
            continue
        if image.ndim == 3:
            image = image[0] if image.shape[0] == 1 else image.transpose(1, 2, 0)
        files.append(file.with_suffix(".png"))
        Image.fromarray(image).save(files[-1])
    return files


def _timed(work: Callable[[], object]) -> tuple[float, float]:
    started, started_cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - started, time.process_time() - started_cpu
