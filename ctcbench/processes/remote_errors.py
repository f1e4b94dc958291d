"""Errors of a worker process as JSON, so that the parent can raise them again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ctcbench.contract.errors import CtcbenchError, PluginError, UsageError

_TYPES: Mapping[str, type[CtcbenchError]] = {
    error.__name__: error for error in (UsageError, PluginError, CtcbenchError)
}


def encode_error(error: CtcbenchError | OSError) -> dict[str, Any]:
    """Return an error as a JSON document; a subclass is encoded as the nearest type of `_TYPES`."""
    if isinstance(error, OSError):
        return {"type": "OSError", "text": error.strerror or str(error), "errno": error.errno}
    name = next(name for name, kind in _TYPES.items() if isinstance(error, kind))
    return {"type": name, "text": str(error)}


def decode_error(document: Mapping[str, Any]) -> Exception:
    """Return the error that `encode_error` encoded."""
    if document["type"] == "OSError":
        return OSError(document["errno"], document["text"])
    return _TYPES[document["type"]](document["text"])
