"""The errors whose message is shown to the user as one line, without a traceback."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from ctcbench.decoding.user_errors import CtcbenchError, UsageError

__all__ = ["BadSample", "ComponentNotice", "CtcbenchError", "PluginError", "UsageError", "nearest"]


class PluginError(CtcbenchError):
    """A plugin violates the contract; the message begins with the owner of the plugin."""


class BadSample(CtcbenchError):
    """Raised by ``Source.draw``: this sample can't be used, for the reason in the message."""


class ComponentNotice(UserWarning):
    """The category of warnings of a component that the user should see once, as one line."""


def nearest(given: str, allowed: Iterable[str]) -> str:
    """Return ``"; did you mean 'x'?"`` for the allowed word nearest to `given`, or ``""``."""
    # Compared without the hyphens of flags, which make any two of them alike, and without case.
    words = {_compared(word): word for word in allowed}
    # Below difflib's 0.6, because names are short; at 0.5 words of four letters need only two in common.
    close = difflib.get_close_matches(_compared(given), words, n=1, cutoff=0.55)
    return f"; did you mean {words[close[0]]!r}?" if close else ""


def _compared(word: str) -> str:
    return word.lstrip("-").casefold()
