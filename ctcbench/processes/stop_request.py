"""A stop is a pause: the first Ctrl-C lets the step finish, the second ends the program at once."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType


class StopRequest:
    """Whether someone asked the run to stop; `notice` hears of it once."""

    def __init__(self, notice: Callable[[str], None]) -> None:
        self._notice = notice
        self._asked = self._told = False

    @property
    def requested(self) -> bool:
        """Whether to stop."""
        if self._asked and not self._told:
            self._tell()
        return self._asked

    def handle(self, number: int, frame: FrameType | None) -> None:
        """Hear a signal, in the middle of whatever the main thread does.

        Raises:
            KeyboardInterrupt: it is the second one.
        """
        if self._asked:
            raise KeyboardInterrupt
        self._asked = True
        # In the middle of a write nothing can be written to the same stream: it is said at the next look.
        with contextlib.suppress(RuntimeError):
            self._tell()

    def _tell(self) -> None:
        self._notice("stopping after this step; once more to stop at once")
        self._told = True


@contextlib.contextmanager
def stop_request(notice: Callable[[str], None]) -> Iterator[StopRequest]:
    """Turn SIGINT and SIGTERM into a request while the context lasts."""
    stop = StopRequest(notice)
    if threading.current_thread() is not threading.main_thread():
        yield stop  # only the main thread may set handlers; elsewhere whoever started it must stop it
        return
    before = {number: signal.signal(number, stop.handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
