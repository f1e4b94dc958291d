"""Drawing of samples into their rows of the images' file, in this process."""

from __future__ import annotations

import time
from collections.abc import Iterable
from io import FileIO
from pathlib import Path

import numpy as np

from ctcbench.contract.data import LONGEST_TEXT, Sample, Source, SplitName
from ctcbench.contract.errors import BadSample, CtcbenchError, PluginError
from ctcbench.data.built_dataset import BuiltDataset
from ctcbench.data.drawn_columns import DrawnSample
from ctcbench.data.rejected_samples import RejectedSample
from ctcbench.data.stored_set import ReportBatch
from ctcbench.processes.out_of_memory import describe_shortage, is_out_of_memory

# Samples are reported in batches, which end when either is reached.
_BATCH = 100
_BATCH_SECONDS = 0.2
_SHOWN = 60  # characters of a text that a reason quotes


def draw_samples(
    dataset: BuiltDataset,
    split: SplitName,
    places: Iterable[tuple[int, int]],
    images: Path,
    offset: int | None,
    report: ReportBatch,
) -> None:
    """Draw samples and write their pixels to the file `images`.

    `places` are pairs: the row of an image, and the number of the sample to draw for it. `offset` is where
    the pixels of row 0 begin, in bytes; the row of a rejected sample is left as it is. Without it the pixels
    are appended, those of an image as many as it has columns. `report` is called with each batch of samples
    once it is written.

    Raises:
        PluginError: a source broke its contract.
        OSError: the file can't be written.
    """
    drawn: list[DrawnSample] = []
    rejected: list[RejectedSample] = []
    spec = dataset.source.image
    row_bytes = spec.channels * spec.height * spec.width
    last = time.monotonic()
    # Every process writes its own rows of one file, so that no pixel passes through a pipe. Images of their
    # own widths are appended, because rows with gaps make a file of as many pieces, which a file system takes
    # minutes to remove. Unbuffered, because the parent takes reported samples as written.
    with images.open("ab" if offset is None else "r+b", buffering=0) as file:
        for row, number in places:
            sample, pixels = draw_sample(dataset, split, number)
            if isinstance(sample, DrawnSample):
                if offset is not None:
                    file.seek(offset + row * row_bytes)
                _write(file, pixels)
                drawn.append(sample)
            else:
                rejected.append(sample)
            if len(drawn) + len(rejected) >= _BATCH or time.monotonic() - last > _BATCH_SECONDS:
                report(drawn, rejected)
                drawn, rejected, last = [], [], time.monotonic()
    if drawn or rejected:
        report(drawn, rejected)


def _write(file: FileIO, pixels: bytes) -> None:
    rest = memoryview(pixels)
    # A disk that is full or a signal can cut a write short; the next one then raises the error.
    while rest:
        rest = rest[file.write(rest) :]


def draw_sample(
    dataset: BuiltDataset, split: SplitName, index: int
) -> tuple[DrawnSample | RejectedSample, bytes]:
    """Return a sample and its pixels; none of a rejected one.

    Raises:
        PluginError: the source that it comes from broke its contract.
    """
    part, number = dataset.locate(split, index)
    drawn_from = dataset.parts[part]
    try:
        sample, pixels = _draw_from(drawn_from.source, split, number)
    except PluginError as error:
        raise PluginError(f"{drawn_from.owner}: dataset {drawn_from.text}: {error}") from error
    return sample._replace(number=index), pixels


def _draw_from(source: Source, split: SplitName, index: int) -> tuple[DrawnSample | RejectedSample, bytes]:
    name = f"{split}/{index}"
    try:
        name = source.describe(split, index)
        sample = source.draw(split, index)
        if not isinstance(sample, Sample):
            raise PluginError(f"drawing {name} returned {type(sample).__name__}, not a ctcbench.Sample")
        image = np.asarray(sample.image)
        given = None if sample.width is None else int(sample.width)
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
    spec = source.image
    columns = image.shape[-1] if spec.variable and image.ndim else spec.width
    shape = (spec.channels, spec.height, columns)
    if image.ndim == 2:
        image = image[None]
    if not isinstance(text, str):
        raise PluginError(f"the text of {name} is {text!r}, not a str")
    if len(text) > LONGEST_TEXT:
        raise PluginError(f"the text of {name} has {len(text):,} characters, not {LONGEST_TEXT:,} at most")
    if image.shape != shape or image.dtype != np.uint8:
        raise PluginError(f"the image of {name} is {image.dtype} {image.shape}, not uint8 {shape}")
    width = columns if given is None else given
    if not 1 <= width <= spec.width:
        raise PluginError(f"the width of {name} is {width}, not 1 to {spec.width}")
    if spec.variable and width != columns:
        raise PluginError(f"the width of {name} is {width}, but its image has {columns} columns")
    # Not an error of the plugin: the texts can come from a user's files. Such samples are counted and listed.
    # In other splits than that of training they are scored: no output can be right.
    if split == "train" and (missing := source.alphabet.missing(text)):
        return RejectedSample(
            index, name, f"its text {text[:_SHOWN]!r} has {missing[:_SHOWN]!r}, which the alphabet lacks"
        ), b""
    return DrawnSample(index, text, width, name), np.ascontiguousarray(image).tobytes()
