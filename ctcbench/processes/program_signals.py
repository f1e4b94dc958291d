"""Signals of the whole program: the first ends the command in an orderly way, the second ends it at once.

Imports nothing but modules that Python itself has loaded or that load in a millisecond, because the handlers
are installed before everything else is imported.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import select
import signal
import sys
import threading
import time
from types import FrameType

INTERRUPTED = 130
# `timeout` and others send a signal to a process and to its group: it arrives twice, and is meant once.
_SAME_REQUEST_SECONDS = 0.1
_RETRY_SECONDS, _MOST_RETRIES = 0.05, 400
_SLOW_SECONDS = 1.0  # after which a signal that could not be handled yet is announced
_PATIENCE_SECONDS = 10.0  # after which a call of C code, such as a search, is cut short
_GRACE_SECONDS = 5.0  # between the second signal and the end of a process that did not react
_IMPORT_SYSTEM = "<frozen importlib._bootstrap>"
_SHOW_CURSOR = "\x1b[?25h"


def stop_signals() -> list[int]:
    """Return the signals that ask to stop: SIGINT, SIGTERM, and SIGHUP unless it is ignored, as by nohup."""
    numbers: list[int] = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        numbers.append(signal.SIGHUP)
    # None: installed by C code, which Python can't restore.
    return [number for number in numbers if signal.getsignal(number) is not None]


class Repeats:
    """Recognises a signal that arrives twice although it was meant once."""

    def __init__(self) -> None:
        self._number, self._time = 0, 0.0

    def is_repeat(self, number: int) -> bool:
        """Return whether the same signal has just arrived."""
        now = time.monotonic()
        repeated = number == self._number and now - self._time < _SAME_REQUEST_SECONDS
        self._number, self._time = number, now
        return repeated


class ProgramSignals:
    """The handler of the stop signals in a process that runs a command.

    The first signal raises KeyboardInterrupt, the next one ends the process. In the middle of an import an
    exception could be lost or turned into another one, so it is raised when the import is done.
    """

    def __init__(self) -> None:
        self.requested = False  # whether a signal asked to stop
        self._interrupting = False
        self._retries = 0
        self._exit_code = INTERRUPTED
        self._repeats = Repeats()
        self._numbers = stop_signals()

    def install(self) -> None:
        """Install the handlers, for the rest of the process; the main thread calls it once."""
        global _program
        _program = self
        for number in self._numbers:
            signal.signal(number, self._handle)
        sys.unraisablehook = self._handle_lost
        os.register_at_fork(after_in_child=self._uninstall)
        # Registered first, so called last, after every clean-up that may take long.
        atexit.register(self._ignore)

    def watch(self) -> None:
        """Start a thread that acts where the main thread can't, in a long call of C code."""
        receiver, sender = os.pipe()
        os.set_blocking(sender, False)
        signal.set_wakeup_fd(sender, warn_on_full_buffer=False)
        threading.Thread(target=self._watch, args=(receiver,), daemon=True).start()

    def finish(self, code: int) -> None:
        """Let a signal end the process at once with `code`: the command is done, and Python is exiting."""
        self._exit_code, self._interrupting = code, True

    def _ignore(self) -> None:
        """Ignore signals from now on: Python only frees its memory, and the exit code is known."""
        # Python would restore the default handlers, with which a signal ends the process with another code.
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number in (*self._numbers, signal.SIGALRM):
            signal.signal(number, signal.SIG_IGN)

    def interrupt(self, frame: FrameType | None) -> None:
        """Raise KeyboardInterrupt, or have it raised after the imports that are running.

        The second call ends the process.
        """
        if self._interrupting:
            self._exit()
        self.requested = self._interrupting = True
        self._raise(frame)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if not self._repeats.is_repeat(number):
            self.interrupt(frame)

    def _raise(self, frame: FrameType | None) -> None:
        if not _is_importing(frame):
            raise KeyboardInterrupt
        self._raise_later()

    def _raise_later(self) -> None:
        self._retries += 1
        if self._retries > _MOST_RETRIES:
            self._exit()
        signal.signal(signal.SIGALRM, lambda _, frame: self._raise(frame))
        signal.setitimer(signal.ITIMER_REAL, _RETRY_SECONDS)

    def _handle_lost(self, unraisable: sys.UnraisableHookArgs) -> None:
        """Raise KeyboardInterrupt again where it was raised in a destructor, which can't pass it on."""
        if self.requested and unraisable.exc_type is KeyboardInterrupt:
            self._raise_later()
        else:
            sys.__unraisablehook__(unraisable)

    def _watch(self, receiver: int) -> None:
        """Announce a signal that is not handled in time, and end the process at the second."""
        self._wait(receiver, None)
        second = self._wait(receiver, _SLOW_SECONDS)
        if not second and not self.requested:
            _write_error("ctcbench: stopping after the current operation; once more to stop at once\n")
            second = self._wait(receiver, _PATIENCE_SECONDS)
            # Where a stop request is handled instead, as in a training step, the operation may take longer.
            if not second and not self.requested and signal.getsignal(signal.SIGINT) == self._handle:
                self._exit()
        if not second:
            self._wait(receiver, None)
        if self.requested:  # the main thread reacted to the first one, and may be cleaning up
            time.sleep(_GRACE_SECONDS)
        self._exit()

    def _wait(self, receiver: int, seconds: float | None) -> bool:
        """Wait for a stop signal, at most `seconds`, and return whether one came."""
        end = None if seconds is None else time.monotonic() + seconds
        while select.select([receiver], [], [], end and max(0.0, end - time.monotonic()))[0]:
            time.sleep(_SAME_REQUEST_SECONDS)
            if not set(self._numbers).isdisjoint(os.read(receiver, 4096)):
                return True
        return False

    def _exit(self) -> None:
        """End the process without cleaning up; worker processes end when it does."""
        if os.isatty(2):
            _write_error(_SHOW_CURSOR)
        if self._exit_code == INTERRUPTED:
            _write_error("ctcbench: stopped at once\n")
        os._exit(self._exit_code)

    def _uninstall(self) -> None:
        """Restore Python's handlers in a forked process, which is no command and has no such thread."""
        global _program
        _program = None
        signal.set_wakeup_fd(-1)
        for number in self._numbers:
            is_interrupt = number == signal.SIGINT
            signal.signal(number, signal.default_int_handler if is_interrupt else signal.SIG_DFL)


def program_signals() -> ProgramSignals | None:
    """Return the installed handler; None in a process that only uses ctcbench as a library."""
    return _program


_program: ProgramSignals | None = None


def _is_importing(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename == _IMPORT_SYSTEM:
            return True
        frame = frame.f_back
    return False


def _write_error(text: str) -> None:
    # Not by sys.stderr, which may be in the middle of a write.
    with contextlib.suppress(OSError):
        os.write(2, text.encode())
