"""The errors that a person is meant to read: each is one line, without a traceback."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class CtcbenchError(Exception):
    """Something went wrong that is explained by its message alone (exit code 1)."""


class UsageError(CtcbenchError):
    """The user's mistake: says what was given, what is allowed and the way on (exit code 2)."""


class PluginError(CtcbenchError):
    """A plugin broke its side of the contract; the message begins with the plugin's owner."""


class BadSample(CtcbenchError):
    """Raised by a data set's ``draw``: this sample can't be used, for the reason given."""


def nearest(given: str, allowed: Iterable[str]) -> str:
    """Return ``"; did you mean 'x'?"`` for the allowed word nearest to `given`, or ``""``."""
    close = difflib.get_close_matches(given, list(allowed), n=1, cutoff=0.5)
    return f"; did you mean {close[0]!r}?" if close else ""
