"""Drawing of a range of samples into its slice of the images' file, in this process."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np

from ctcbench.contract.data import LONGEST_TEXT, Source, SplitName
from ctcbench.contract.errors import BadSample, CtcbenchError, PluginError
from ctcbench.data.rejected_samples import RejectedSample
from ctcbench.data.stored_set import DrawnSample, ReportBatch
from ctcbench.processes.out_of_memory import describe_shortage, is_out_of_memory

# Samples are written and reported in batches, which end when either is reached.
_BATCH_BYTES = 1 << 19
_BATCH_SECONDS = 0.2
_SHOWN = 60  # characters of a text that a reason quotes


def draw_range(
    source: Source,
    split: SplitName,
    start: int,
    stop: int,
    images: Path,
    offset: int,
    report: ReportBatch,
) -> None:
    """Draw samples `start` to `stop` (exclusive) and write each to its row of the file `images`.

    `offset` is where the pixels of the first row begin, in bytes. `report` is called with each batch of
    samples once it is written. The row of a rejected sample is left black.

    Raises:
        PluginError: the source broke its contract; the caller adds the owner to the message.
        OSError: the file can't be written.
    """
    rows: list[bytes] = []
    drawn: list[DrawnSample] = []
    rejected: list[RejectedSample] = []
    row_bytes = source.image.channels * source.image.height * source.image.width
    last = time.monotonic()
    # Every process writes its own range of one file, so that no pixel passes through a pipe or is copied.
    with images.open("r+b") as file:
        file.seek(offset + start * row_bytes)
        for index in range(start, stop):
            sample, pixels = draw_sample(source, split, index)
            if isinstance(sample, DrawnSample):
                drawn.append(sample)
            else:
                rejected.append(sample)
            # A row for a rejected sample too, so that each row is at its number; `finish_set` drops it.
            rows.append(pixels or bytes(row_bytes))
            full = len(rows) * row_bytes >= _BATCH_BYTES or time.monotonic() - last > _BATCH_SECONDS
            if full or index + 1 == stop:
                file.write(b"".join(rows))
                # Before the report, because the parent takes reported samples as written.
                file.flush()
                report(drawn, rejected)
                rows, drawn, rejected, last = [], [], [], time.monotonic()


def draw_sample(source: Source, split: SplitName, index: int) -> tuple[DrawnSample | RejectedSample, bytes]:
    """Return a sample and its pixels; none of a rejected one.

    Raises:
        PluginError: the source broke its contract; the caller adds the owner to the message.
    """
    name = f"{split}/{index}"
    try:
        name = source.describe(split, index)
        sample = source.draw(split, index)
        image = np.asarray(sample.image)
        width = source.image.width if sample.width is None else int(sample.width)
        text = sample.text
    except BadSample as error:
        return RejectedSample(index, name, str(error)), b""
    except CtcbenchError:
        raise
    except Exception as error:
        if is_out_of_memory(error):
            # Of one type, because an OSError would be taken for one of the file that is written.
            raise MemoryError(describe_shortage(error)) from error
        raise PluginError(f"drawing {name} failed: {type(error).__name__}: {error}") from error
    shape = (source.image.channels, source.image.height, source.image.width)
    if image.ndim == 2:
        image = image[None]
    if not isinstance(text, str):
        raise PluginError(f"the text of {name} is {text!r}, not a str")
    if len(text) > LONGEST_TEXT:
        raise PluginError(f"the text of {name} has {len(text):,} characters, not {LONGEST_TEXT:,} at most")
    if image.shape != shape or image.dtype != np.uint8:
        raise PluginError(f"the image of {name} is {image.dtype} {image.shape}, not uint8 {shape}")
    if not 1 <= width <= source.image.width:
        raise PluginError(f"the width of {name} is {width}, not 1 to {source.image.width}")
    # Not an error of the plugin: the texts can come from a user's files. Such samples are counted and listed.
    if missing := source.alphabet.missing(text):
        return RejectedSample(
            index, name, f"its text {text[:_SHOWN]!r} has {missing[:_SHOWN]!r}, which the alphabet lacks"
        ), b""
    return DrawnSample(index, text, width, name), np.ascontiguousarray(image).tobytes()
