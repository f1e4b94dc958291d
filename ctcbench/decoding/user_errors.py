"""The errors that are the user's: their message is one line that needs no traceback."""

from __future__ import annotations


class CtcbenchError(Exception):
    """An error that is shown as its message, without a traceback (exit code 1)."""


class UsageError(CtcbenchError):
    """A mistake of the user; the message has what was given and what is allowed (exit code 2)."""


class InputError(UsageError, ValueError):
    """A value or a file that can't be used; also a ValueError, which callers of the decoders expect."""
