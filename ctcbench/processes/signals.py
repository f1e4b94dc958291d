"""Stop signals: requests to stop after the current step, and interrupts for worker processes."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType

from ctcbench.contract.errors import CtcbenchError
from ctcbench.processes.program_signals import Repeats, program_signals, stop_signals


class Interrupted(CtcbenchError):
    """The user stopped the run; the message says what is saved and how to resume (exit code 130)."""


# The stop requests of the contexts that last, from the outermost to the innermost.
_nested: list[StopRequest] = []


class StopRequest:
    """Whether the user asked the run to stop; calls `notice` once when that happens."""

    def __init__(self, notice: Callable[[str], None]) -> None:
        self._notice = notice
        self._repeats = Repeats()
        self._announced = False
        program = program_signals()
        # An interrupt that got lost in the code of others is a stop request from the first step on.
        self._requested = program is not None and program.requested

    @property
    def requested(self) -> bool:
        """Whether to stop after the current step."""
        if self._requested and not self._announced:
            self._announce()
        return self._requested

    def handle(self, number: int, frame: FrameType | None) -> None:
        """Handle a signal; Python calls this between any two instructions of the main thread.

        Raises:
            KeyboardInterrupt: it is the second signal, and this is no worker process.
        """
        if self._repeats.is_repeat(number):
            return
        program = program_signals()
        if self._requested:
            _interrupt(frame)
            return
        # A signal is meant for the program: what encloses this context, as a study that trains in its own
        # process, must stop as well. It is announced once.
        for request in _nested:
            request._requested = request._announced = True
        self._requested, self._announced = True, False
        if program:
            program.requested = True
        # A stream that is being written when the signal arrives refuses a second write (RuntimeError):
        # the notice is then printed when `requested` is next read.
        with contextlib.suppress(RuntimeError):
            self._announce()

    def _announce(self) -> None:
        self._notice("stopping after this step; once more to stop at once")
        self._announced = True


def _interrupt(frame: FrameType | None) -> None:
    if program := program_signals():
        program.interrupt(frame)
    elif not _is_worker:
        raise KeyboardInterrupt


@contextlib.contextmanager
def stop_on_signals(notice: Callable[[str], None]) -> Iterator[StopRequest]:
    """Turn the first SIGINT, SIGTERM or SIGHUP into a stop request while the context lasts.

    SIGHUP is left alone where it is ignored, as under nohup. In a thread other than the main one, nothing is
    handled: Python lets only the main thread set handlers. The handlers of before are restored. A signal in a
    context inside another one is a stop request of both.
    """
    stop = StopRequest(notice)
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    before = {number: signal.signal(number, stop.handle) for number in stop_signals()}
    _nested.append(stop)
    try:
        yield stop
    finally:
        _nested.pop()
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


_is_worker = False


def deliver_interrupts() -> None:
    """Unblock SIGINT and let it raise KeyboardInterrupt, also one that arrived while it was blocked.

    A worker stops after its step however many signals it gets: the parent kills it where that takes too long.
    """
    global _is_worker
    # A shutdown of the machine sends SIGTERM to parent and workers, and the parent then sends
    # SIGINT to its workers. The second one must not cost a worker its checkpoint.
    _is_worker = True
    # Set explicitly: the parent may ignore SIGINT, as programs do that a shell starts in the background.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
