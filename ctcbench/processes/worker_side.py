"""What a worker process does about its parent: talk to it alone on standard output, and end with it."""

from __future__ import annotations

import os
import signal
from typing import BinaryIO


def own_standard_output() -> BinaryIO:
    """Take standard output for the messages; what a plugin prints goes to standard error."""
    channel = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return channel


def hear_interrupts() -> None:
    """Let SIGINT interrupt this process, one that came before too, whatever its parent does about it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


def end_with_parent() -> None:
    """Wait until the parent closes standard input, as it does however it ends, and leave at once."""
    # os.read, not sys.stdin: a thread inside of a buffered read would hold its lock at exit.
    while os.read(0, 4096):
        pass
    os._exit(1)
