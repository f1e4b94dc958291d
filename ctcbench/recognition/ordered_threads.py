"""map_in_threads(): a function applied by several threads, its results in order, a few at a time."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

P = TypeVar("P")
R = TypeVar("R")

_WAITING = 2  # items in addition to one for each thread, so that a slow one delays no thread


def map_in_threads(
    function: Callable[[P], R], items: Iterable[P], threads: int, initializer: Callable[[], None]
) -> Iterator[R]:
    """Yield the result of each item, in order.

    Args:
        function: called in several threads at once.
        items: read by the calling thread, a few items ahead of the result that is yielded.
        threads: number of threads.
        initializer: called in each thread when it starts.
    """
    source = iter(items)
    executor = ThreadPoolExecutor(threads, "predict", initializer)
    try:
        waiting = deque[Future[R]]()
        for item in itertools.islice(source, threads + _WAITING):
            waiting.append(executor.submit(function, item))
        while waiting:
            result = waiting.popleft().result()
            for item in itertools.islice(source, 1):
                waiting.append(executor.submit(function, item))
            yield result
    finally:
        # If the caller stops early, items that no thread has started are cancelled.
        executor.shutdown(wait=True, cancel_futures=True)
