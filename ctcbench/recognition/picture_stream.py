"""predict_stream(): pictures to predictions in order, in batches, with a bounded number of them in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from ctcbench.contract.data import Sample
from ctcbench.contract.errors import BadSample
from ctcbench.contract.specs import ImageSpec
from ctcbench.processes.cores import available_cores
from ctcbench.recognition.interpretation import Interpretation
from ctcbench.recognition.picture_batch import make_batch
from ctcbench.recognition.prediction import Prediction
from ctcbench.recognition.preparation import prepare_ahead

P = TypeVar("P")

# Pixels of a batch and number of its pictures, at most. The first layers of a network need some hundred bytes
# for a pixel.
_BATCH_PIXELS, _BATCH_PICTURES = 2**21, 128
_BATCHES_AHEAD = 4  # batches that are prepared while the network reads one
_MOST_THREADS = 8


def predict_stream(
    pictures: Iterable[P], prepare: Callable[[P], Sample], interpretation: Interpretation
) -> Iterator[tuple[P, Prediction | BadSample]]:
    """Yield each picture with its prediction, or with the reason why it can't be read, in order.

    Args:
        pictures: read a few batches ahead of the picture that is yielded.
        prepare: returns a picture as the network takes it, or raises BadSample; called in several threads.
        interpretation: the network, and what is made of its output.
    """
    reader = interpretation.reader
    for group in read_batches(pictures, prepare, reader.image):
        samples = [sample for _, sample in group if isinstance(sample, Sample)]
        predictions = iter(interpretation.predict(make_batch(samples, reader)) if samples else ())
        for picture, sample in group:
            yield picture, sample if isinstance(sample, BadSample) else next(predictions)


def read_batches(
    pictures: Iterable[P], prepare: Callable[[P], Sample], image: ImageSpec
) -> Iterator[list[tuple[P, Sample | BadSample]]]:
    """Yield the pictures of each batch with what `prepare` returned, or with the reason for an error."""
    size = max(1, min(_BATCH_PICTURES, _BATCH_PIXELS // (image.height * image.width)))
    ahead = _BATCHES_AHEAD * size
    threads = min(_MOST_THREADS, available_cores())
    group: list[tuple[P, Sample | BadSample]] = []
    readable = 0
    for item in prepare_ahead(pictures, prepare, ahead=ahead, threads=threads):
        group.append(item)
        readable += isinstance(item[1], Sample)
        # Of pictures that can't be read, any number fits into a batch.
        if readable == size or len(group) == ahead:
            yield group
            group, readable = [], 0
    if group:
        yield group
