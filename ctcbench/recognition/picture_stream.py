"""Pictures to predictions in order, by several threads, with a bounded number of pictures in memory."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from typing import Generic, NamedTuple, TypeVar

from ctcbench.contract.errors import BadSample
from ctcbench.processes.cores import computing_cores
from ctcbench.recognition.ordered_threads import map_in_threads
from ctcbench.recognition.picture_batch import BATCH_IMAGES, BATCH_PIXELS
from ctcbench.recognition.reader import Reader

P = TypeVar("P")
R = TypeVar("R")

_GROUP_PIXELS, _GROUP_PICTURES = BATCH_PIXELS, BATCH_IMAGES
_MOST_THREADS = 16


class Group(NamedTuple, Generic[P]):
    """Pictures that one thread prepares, and that the network reads together.

    Attributes:
        samples: the pictures that can be read, as they were prepared.
        errors: why each of the others can't be read, by its place in the group.
    """

    samples: list[P]
    errors: dict[int, BadSample]

    def arranged(self, results: Iterable[R]) -> Iterator[R | BadSample]:
        """Yield the result of each sample, and each error in its place."""
        remaining = iter(results)
        for place in range(len(self.samples) + len(self.errors)):
            yield self.errors[place] if place in self.errors else next(remaining)


def process_groups(
    pictures: Iterable[object],
    prepare: Callable[[object], P],
    process: Callable[[Group[P]], R],
    reader: Reader,
    readings: int = 1,
) -> Iterator[R]:
    """Yield the result of each group of pictures, in order.

    Groups of the same pictures are the same ones, whatever the number of threads.

    Args:
        pictures: read a few groups ahead of the result that is yielded.
        prepare: returns what `process` needs of a picture, or raises BadSample; called in several threads.
        process: reads a group with `reader`; called in several threads.
        reader: the network.
        readings: how many images of a picture the network reads.
    """
    pixels = reader.image.height * reader.image.width
    size = max(1, min(_GROUP_PICTURES, _GROUP_PIXELS // pixels) // readings)
    source = iter(pictures)
    groups = iter(lambda: list(itertools.islice(source, size)), [])

    def work(group: list[object]) -> R:
        return process(_prepared(group, prepare))

    first = list(itertools.islice(groups, 2))
    if len(first) < 2:
        # The network has all cores for a single group.
        yield from map(work, first)
        return
    threads = min(_MOST_THREADS, computing_cores())
    with reader.shared_by(threads) as start_thread:
        yield from map_in_threads(work, itertools.chain(first, groups), threads, start_thread)


def _prepared(group: list[object], prepare: Callable[[object], P]) -> Group[P]:
    prepared: Group[P] = Group([], {})
    for place, picture in enumerate(group):
        try:
            prepared.samples.append(prepare(picture))
        except BadSample as error:
            prepared.errors[place] = error
    return prepared
