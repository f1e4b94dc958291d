"""call_within(): a call of a library that ends with an error where it takes longer than a limit."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import TypeVar

R = TypeVar("R")


class TookTooLong(Exception):
    """A call did not return within its limit."""


def call_within(seconds: float, function: Callable[[], R], give_up: Callable[[], object] | None = None) -> R:
    """Return what a function returns, or raise what it raises.

    The function runs in a thread of its own, which nothing can end from outside. After the limit it is
    abandoned: it ends by itself or with the process.

    Args:
        seconds: the limit.
        function: called in another thread; it should not hold the interpreter's lock while it computes.
        give_up: called once the limit is reached, to ask the function to end.

    Raises:
        TookTooLong: it did not return in time.
    """
    results: queue.SimpleQueue[tuple[R | None, BaseException | None]] = queue.SimpleQueue()

    def run() -> None:
        try:
            results.put((function(), None))
        except BaseException as error:
            results.put((None, error))

    threading.Thread(target=run, name="limited", daemon=True).start()
    try:
        result, error = results.get(timeout=seconds)
    except queue.Empty:
        raise TookTooLong from None
    finally:
        # Also after Ctrl-C, which interrupts the waiting.
        if give_up is not None:
            give_up()
    if error is not None:
        raise error
    return result  # type: ignore[return-value]
