"""Standard output and standard error of the program: any encoding, closed pipes, full disks.

Descriptor 1 is standard error while the program runs: what a component or its child process writes there must
not become part of a JSON document. `sys.stdout` writes to a duplicate of the real standard output.
"""

from __future__ import annotations

import codecs
import errno
import io
import os
import select
import sys
from typing import Any, TextIO

# The reader has ended, or the terminal is gone.
_NO_READER = {errno.EPIPE, errno.EIO}
STANDARD_OUTPUT = "standard output"  # its name in errors
_ERRORS = "ctcbench.readable"
_SUBSTITUTES = {
    "–": "-", "−": "-", "…": "...", "×": "x", "·": ".", "→": "->", "±": "+-", "µ": "u", "“": '"', "”": '"',
    "▲": "^", "△": "~", "▀": '"',
}  # fmt: skip


def take_standard_streams() -> None:
    """Replace `sys.stdout` and `sys.stderr`; descriptors that are closed are opened as /dev/null first.

    Characters that an encoding lacks are replaced. Output that has no reader any more is dropped, and so is
    what standard error can't take; any other failure of standard output raises OSError, once.
    """
    codecs.register_error(_ERRORS, _readable)
    was_closed = _open_closed_descriptors()
    output = os.dup(1)
    os.dup2(2, 1)
    sys.stdout = _stream(output, sys.stdout, STANDARD_OUTPUT)
    sys.stderr = _stream(2, sys.stderr, "")
    if 0 in was_closed:
        sys.stdin = open(0, closefd=False)  # noqa: SIM115


def has_reader(stream: TextIO) -> bool:
    """Return whether a stream still takes what is written: the reader of a pipe may have ended."""
    raw = getattr(getattr(stream, "buffer", None), "raw", None)
    return not (isinstance(raw, _LenientFile) and raw.is_dropping)


def _open_closed_descriptors() -> list[int]:
    """Open /dev/null in place of each standard descriptor that is closed, and return their numbers."""
    # Otherwise the next file that is opened gets the number, and stray output would be written into it.
    closed = []
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            assert os.open(os.devnull, os.O_RDWR) == number  # the lowest free number
            os.set_inheritable(number, True)
            closed.append(number)
    return closed


def _stream(descriptor: int, before: TextIO | None, name: str) -> TextIO:
    encoding = getattr(before, "encoding", None) or "utf-8"
    is_terminal = os.isatty(descriptor)
    return io.TextIOWrapper(
        io.BufferedWriter(_LenientFile(descriptor, name)),
        encoding=encoding,
        errors=_ERRORS,
        line_buffering=is_terminal or not name,
        write_through=bool(getattr(before, "write_through", False)),
    )


class _LenientFile(io.FileIO):
    """A file whose output is dropped after the first failure, which `required` files report by OSError."""

    def __init__(self, descriptor: int, required: str) -> None:
        super().__init__(descriptor, "wb", closefd=False)
        self._required = required  # its name in the error; empty: no failure is reported
        self.is_dropping = False

    def write(self, data: Any) -> int:
        """Write `data`, or drop it; return how many bytes were taken.

        Raises:
            OSError: the first write that failed for another reason than a missing reader.
        """
        try:
            while not self.is_dropping:
                # None: another program made the pipe non-blocking, and it is full.
                if (written := super().write(data)) is not None:
                    return written
                select.select([], [self], [])
        except OSError as error:
            self.is_dropping = True
            if self._required and error.errno not in _NO_READER:
                raise OSError(error.errno, error.strerror, self._required) from None
        return memoryview(data).nbytes


def _readable(error: UnicodeError) -> tuple[str, int]:
    """Return a substitute for characters that an encoding lacks; a codec error handler."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lost = error.object[error.start : error.end]
    return "".join(_SUBSTITUTES.get(c) or _escaped(c) for c in lost), error.end


def _escaped(character: str) -> str:
    return character.encode("ascii", "backslashreplace").decode()
