"""Comparison of the versions on a node with the study's: those of packages and plugins."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ctcbench.registry.discovery import load_registry
from ctcbench.results import provenance


def installed_versions() -> dict[str, Any]:
    """Return the versions of ctcbench, Python, packages and plugins in this process, as JSON."""
    return {"versions": provenance.versions(), "plugins": dict(load_registry().versions())}


def version_differences(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> list[str]:
    """Return what differs on a node, as ``torch 2.12.0 there, 2.13.0 here``.

    Python's patch level and the build of torch (``+cu126``) are not compared, because nodes with GPUs have
    another build. Plugins that only the node has are not listed.
    """
    found = []
    # The study's names alone: a plugin that only the node has can't be part of this study.
    pairs = [(n, v, theirs["versions"].get(n)) for n, v in ours["versions"].items()]
    pairs += [(n, v, theirs["plugins"].get(n)) for n, v in ours["plugins"].items()]
    for name, here, there in pairs:
        if _compared_part(name, here) != _compared_part(name, there):
            found.append(f"{name} {there or 'missing'} there, {here or 'missing'} here")
    return found


def _compared_part(name: str, version: str | None) -> str | None:
    if version is None:
        return None
    return ".".join(version.split(".")[:2]) if name == "python" else version.partition("+")[0]
