"""The child side of a worker process: `serve`, which the main function of every worker module calls.

The protocol: the parent writes one JSON document, the order, on one line of standard input, and keeps the
pipe open as long as it lives. It may write more documents later, one a line. The worker writes JSON documents
on standard output, one a line: any number of messages, and last ``{"outcome": …}``, or ``{"error": …}`` for
an error that the parent raises again.
"""

from __future__ import annotations

import json
import os
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping
from typing import Any, BinaryIO

from ctcbench.processes.remote_errors import encode_error
from ctcbench.processes.signals import deliver_interrupts

Send = Callable[[Mapping[str, Any]], None]


def serve(
    handler: Callable[[Mapping[str, Any], Send], Any],
    receive: Callable[[Mapping[str, Any]], object] = lambda message: None,
) -> int:
    """Read an order, call ``handler(order, send)`` and send what it returns; return the exit code.

    ``send`` sends a message to the parent at once. `receive` is called from another thread with each document
    that the parent writes after the order. While the handler runs, SIGINT raises KeyboardInterrupt
    (one that arrived during the imports too), whatever is printed goes to standard error, and the process
    ends when its parent does. Errors other than CtcbenchError, OSError and a lack of memory are the process's
    own failure: the parent finds the traceback on standard error.
    """
    lines = _standard_input()
    line = next(lines, None)
    if line is None:
        return 1  # the parent ended before it sent the order
    order = json.loads(line)
    threading.Thread(target=_listen_to_parent, args=(lines, receive), daemon=True).start()
    channel = _take_standard_output()

    def send(message: Mapping[str, Any]) -> None:
        channel.write(json.dumps(message).encode() + b"\n")
        channel.flush()

    try:
        deliver_interrupts()
        send({"outcome": handler(order, send)})
    except BrokenPipeError:
        return 1
    except Exception as error:
        if not (document := encode_error(error)):
            raise
        traceback.print_exc()
        send({"error": document})
        return 1
    return 0


def _take_standard_output() -> BinaryIO:
    """Return a channel to the parent, and redirect what a plugin prints to standard error."""
    channel = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return channel


def _standard_input() -> Iterator[bytes]:
    """Yield the lines of standard input as they arrive."""
    # os.read, not sys.stdin: a thread inside a buffered read would hold its lock when Python exits.
    pending = b""
    while data := os.read(0, 65536):
        *lines, pending = (pending + data).split(b"\n")
        yield from lines
    if pending:
        yield pending


def _listen_to_parent(lines: Iterator[bytes], receive: Callable[[Mapping[str, Any]], object]) -> None:
    """Receive messages until the parent closes standard input, which happens however it ends; then exit."""
    try:
        for line in lines:
            receive(json.loads(line))
    finally:
        os._exit(1)
