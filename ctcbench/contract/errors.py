"""The errors whose message is shown to the user as one line, without a traceback."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class CtcbenchError(Exception):
    """An error that is shown as its message, without a traceback (exit code 1)."""


class UsageError(CtcbenchError):
    """A mistake of the user; the message has what was given and what is allowed (exit code 2)."""


class PluginError(CtcbenchError):
    """A plugin violates the contract; the message begins with the owner of the plugin."""


class BadSample(CtcbenchError):
    """Raised by ``Source.draw``: this sample can't be used, for the reason in the message."""


def nearest(given: str, allowed: Iterable[str]) -> str:
    """Return ``"; did you mean 'x'?"`` for the allowed word nearest to `given`, or ``""``."""
    # 0.5 instead of difflib's 0.6: names are short, so one wrong letter lowers the similarity a lot.
    close = difflib.get_close_matches(given, list(allowed), n=1, cutoff=0.5)
    return f"; did you mean {close[0]!r}?" if close else ""
