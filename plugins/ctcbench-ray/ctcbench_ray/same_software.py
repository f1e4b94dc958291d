"""Whether a node runs the same software as the study: what decides pixels and weights, and the plugins."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ctcbench.registry.discovery import load_registry
from ctcbench.results import provenance


def software() -> dict[str, Any]:
    """Return the versions of ctcbench, Python, packages and plugins here, as JSON."""
    return {"versions": provenance.versions(), "plugins": dict(load_registry().versions())}


def differences(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> list[str]:
    """Return what a node has otherwise, as ``torch 2.12.0 there, 2.13.0 here``.

    Python counts without its patch level, torch without the name of its build (``+cu126``), as nodes
    with GPUs have another one; a plugin that the node alone has is no difference.
    """
    found = []
    pairs = [(n, v, theirs["versions"].get(n)) for n, v in ours["versions"].items()]
    pairs += [(n, v, theirs["plugins"].get(n)) for n, v in ours["plugins"].items()]
    for name, here, there in pairs:
        if _counts(name, here) != _counts(name, there):
            found.append(f"{name} {there or 'missing'} there, {here or 'missing'} here")
    return found


def _counts(name: str, version: str | None) -> str | None:
    if version is None:
        return None
    return ".".join(version.split(".")[:2]) if name == "python" else version.partition("+")[0]
