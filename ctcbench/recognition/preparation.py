"""prepare_ahead(): pictures decoded and resized by threads, a bounded number ahead of those that are used."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from ctcbench.contract.errors import BadSample

P = TypeVar("P")
S = TypeVar("S")

# A task of several pictures, because handing over a task takes as long as decoding a tiny picture.
_PICTURES_PER_TASK = 16


def prepare_ahead(
    pictures: Iterable[P], prepare: Callable[[P], S], *, ahead: int, threads: int
) -> Iterator[tuple[P, S | BadSample]]:
    """Yield each picture with what `prepare` returned for it, or with the BadSample that it raised, in order.

    Args:
        pictures: read no further than `ahead` pictures beyond the one that is yielded.
        prepare: called in several threads at once.
        ahead: number of pictures that are prepared and not yet yielded, at most.
        threads: number of threads.
    """
    source = iter(pictures)
    size = max(1, min(_PICTURES_PER_TASK, ahead // (2 * threads)))

    def task(group: list[P]) -> list[tuple[P, S | BadSample]]:
        return [(picture, _outcome(prepare, picture)) for picture in group]

    waiting: deque[Future[list[tuple[P, S | BadSample]]]] = deque()
    executor = ThreadPoolExecutor(threads, thread_name_prefix="pictures")
    try:
        while group := list(itertools.islice(source, size)):
            waiting.append(executor.submit(task, group))
            if len(waiting) * size > ahead:
                yield from waiting.popleft().result()
        while waiting:
            yield from waiting.popleft().result()
    finally:
        executor.shutdown(wait=True, cancel_futures=True)


def _outcome(prepare: Callable[[P], S], picture: P) -> S | BadSample:
    try:
        return prepare(picture)
    except BadSample as error:
        return error
