"""Draws a range of samples into its slice of the images' file, in this process."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np

from ctcbench.contract.data import Source, SplitName
from ctcbench.contract.errors import BadSample, CtcbenchError, PluginError
from ctcbench.data.drawn_set import Bad, Drawn, Report

_BATCH_BYTES = 1 << 19
_BATCH_SECONDS = 0.2


def draw_range(
    source: Source, split: SplitName, start: int, stop: int, images: Path, offset: int, report: Report
) -> None:
    """Draw samples `start` to `stop` and write them at their places; report each batch once written.

    Raises:
        PluginError: the source broke its contract; the message lacks the owner, which the caller knows.
        OSError: the file can't be written.
    """
    rows: list[bytes] = []
    drawn: list[Drawn] = []
    bad: list[Bad] = []
    row_bytes = source.image.channels * source.image.height * source.image.width
    last = time.monotonic()
    with images.open("r+b") as file:
        file.seek(offset + start * row_bytes)
        for index in range(start, stop):
            done, pixels = _draw(source, split, index)
            (drawn if isinstance(done, Drawn) else bad).append(done)  # type: ignore[arg-type]
            rows.append(pixels or bytes(row_bytes))
            full = len(rows) * row_bytes >= _BATCH_BYTES or time.monotonic() - last > _BATCH_SECONDS
            if full or index + 1 == stop:
                file.write(b"".join(rows))
                file.flush()
                report(drawn, bad)
                rows, drawn, bad, last = [], [], [], time.monotonic()


def _draw(source: Source, split: SplitName, index: int) -> tuple[Drawn | Bad, bytes]:
    name = f"{split}/{index}"
    try:
        name = source.describe(split, index)
        sample = source.draw(split, index)
        image = np.asarray(sample.image)
        width = source.image.width if sample.width is None else int(sample.width)
        text = sample.text
    except BadSample as error:
        return Bad(index, name, str(error)), b""
    except CtcbenchError:
        raise
    except Exception as error:
        raise PluginError(f"drawing {name} failed: {type(error).__name__}: {error}") from error
    shape = (source.image.channels, source.image.height, source.image.width)
    if image.ndim == 2:
        image = image[None]
    if not isinstance(text, str):
        raise PluginError(f"the text of {name} is {text!r}, not a str")
    if image.shape != shape or image.dtype != np.uint8:
        raise PluginError(f"the image of {name} is {image.dtype} {image.shape}, not uint8 {shape}")
    if not 1 <= width <= source.image.width:
        raise PluginError(f"the width of {name} is {width}, not 1 to {source.image.width}")
    if missing := source.alphabet.missing(text):
        return Bad(index, name, f"its text {text!r} has {missing!r}, which the alphabet lacks"), b""
    return Drawn(index, text, width, name), np.ascontiguousarray(image).tobytes()
