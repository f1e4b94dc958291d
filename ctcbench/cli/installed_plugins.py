"""The registry of the installed plugins, loaded once per process."""

from __future__ import annotations

import functools

from ctcbench.registry.component_registry import Registry
from ctcbench.registry.discovery import load_registry


# Cached, because loading imports every plugin, and a command asks for the registry several times.
@functools.cache
def registry() -> Registry:
    """Return the registry of every installed plugin, or of those that CTCBENCH_PLUGINS names."""
    return load_registry()
