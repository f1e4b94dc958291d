"""SIGINT and SIGTERM: requests to stop after the current step, and interrupts for worker processes."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType

from ctcbench.contract.errors import CtcbenchError


class Interrupted(CtcbenchError):
    """The user stopped the run; the message says what is saved and how to resume (exit code 130)."""


class StopRequest:
    """Whether the user asked the run to stop; calls `notice` once when that happens."""

    def __init__(self, notice: Callable[[str], None]) -> None:
        self._notice = notice
        self._requested = self._announced = False

    @property
    def requested(self) -> bool:
        """Whether to stop after the current step."""
        if self._requested and not self._announced:
            self._announce()
        return self._requested

    def handle(self, number: int, frame: FrameType | None) -> None:
        """Handle a signal; Python calls this between any two instructions of the main thread.

        Raises:
            KeyboardInterrupt: it is the second signal.
        """
        if self._requested:
            raise KeyboardInterrupt
        self._requested = True
        # A stream that is being written when the signal arrives refuses a second write (RuntimeError):
        # the notice is then printed when `requested` is next read.
        with contextlib.suppress(RuntimeError):
            self._announce()

    def _announce(self) -> None:
        self._notice("stopping after this step; once more to stop at once")
        self._announced = True


@contextlib.contextmanager
def stop_on_signals(notice: Callable[[str], None]) -> Iterator[StopRequest]:
    """Turn the first SIGINT or SIGTERM into a stop request while the context lasts.

    In a thread other than the main one, nothing is handled: Python lets only the main thread set handlers.
    """
    stop = StopRequest(notice)
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    before = {number: signal.signal(number, stop.handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def interrupts_blocked() -> Iterator[None]:
    """Block SIGINT while the context lasts; a process that is started within it inherits the block."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def deliver_interrupts() -> None:
    """Unblock SIGINT and let it raise KeyboardInterrupt, also one that arrived while it was blocked."""
    # Set explicitly: the parent may ignore SIGINT, as programs do that a shell starts in the background.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
