"""Where a result comes from: machine, versions and time, found without importing what is versioned."""

from __future__ import annotations

import platform
import sys
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

import ctcbench
from ctcbench.processes.cores import available_cores

PACKAGES = ("torch", "numpy", "pillow", "captcha")


def host(gpu: str | None = None) -> dict[str, Any]:
    """Return ``cpu`` (model name), ``gpu`` (as given: asking for it takes torch) and ``cores``.

    ``cores`` counts those that this process may use, which in a container are often not all.
    """
    return {"cpu": _cpu(), "gpu": gpu, "cores": available_cores()}


def versions() -> dict[str, str | None]:
    """Return the versions of ctcbench, python and the packages that pixels and weights depend on.

    A package that is not installed has None.
    """
    found = {"ctcbench": ctcbench.__version__, "python": platform.python_version()}
    return {**found, **{package: _version(package) for package in PACKAGES}}


def now() -> str:
    """Return the time in UTC, ISO 8601 to the second, as ``2025-03-01T12:00:00+00:00``."""
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
