"""Provenance of a result: machine, versions and time; reads versions without importing the packages."""

from __future__ import annotations

import platform
import sys
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

import ctcbench
from ctcbench.processes.cores import computing_cores

PACKAGES = ("torch", "numpy", "pillow", "captcha")


def host(gpu: str | None = None) -> dict[str, Any]:
    """Return the machine: ``cpu`` (model name), ``gpu`` and ``cores``.

    Args:
        gpu: name of the GPU, which the caller knows: finding it here would import torch.
    """
    return {"cpu": _cpu(), "gpu": gpu, "cores": computing_cores()}


def versions() -> dict[str, str | None]:
    """Return the versions of ctcbench, Python and the packages that images and weights depend on.

    The version of a package that is not installed is None.
    """
    found = {"ctcbench": ctcbench.__version__, "python": platform.python_version()}
    return {**found, **{package: _version(package) for package in PACKAGES}}


def now() -> str:
    """Return the time in UTC in ISO 8601, to the second: ``2025-03-01T12:00:00+00:00``."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _cpu(cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    if sys.platform == "linux":
        try:
            lines = cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            lines = []
        for line in lines:
            key, _, value = line.partition(":")
            if key.strip() == "model name" and value.strip():
                return value.strip()
    return platform.processor() or platform.machine() or "unknown"
