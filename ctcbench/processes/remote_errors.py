"""Errors of a worker process as JSON, so that the parent can raise them again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ctcbench.contract.errors import CtcbenchError, PluginError, UsageError
from ctcbench.processes.out_of_memory import describe_shortage, is_out_of_memory

_TYPES: Mapping[str, type[Exception]] = {
    error.__name__: error for error in (UsageError, PluginError, CtcbenchError, MemoryError)
}


def encode_error(error: Exception) -> dict[str, Any] | None:
    """Return an error as a JSON document, or None for a failure of the worker itself.

    A subclass is encoded as the nearest type of `_TYPES`, a lack of memory as MemoryError.
    """
    if is_out_of_memory(error):
        return {"type": "MemoryError", "text": describe_shortage(error)}
    if isinstance(error, OSError):
        return {"type": "OSError", "text": error.strerror or str(error), "errno": error.errno}
    names = [name for name, kind in _TYPES.items() if isinstance(error, kind)]
    return {"type": names[0], "text": str(error)} if names else None


def decode_error(document: Mapping[str, Any]) -> Exception:
    """Return the error that `encode_error` encoded."""
    if document["type"] == "OSError":
        return OSError(document["errno"], document["text"])
    return _TYPES[document["type"]](document["text"])
