"""The error of a ctcbench installed without its dependencies. Imports only the standard library."""

from __future__ import annotations

import re
from importlib import metadata


def missing_packages() -> list[str]:
    """Return the distributions that ctcbench requires and that are not installed."""
    try:
        requirements = metadata.requires("ctcbench") or []
    except metadata.PackageNotFoundError:  # run from a source tree
        return []
    # Requirements of an extra are optional: "pytest>=8; extra == 'test'".
    names = [re.split(r"[^\w.-]", text, maxsplit=1)[0] for text in requirements if "extra ==" not in text]
    return [name for name in names if not _is_installed(name)]


def explain_missing_packages(error: BaseException) -> str | None:
    """Return one line that explains a failed import, or None if every required package is installed."""
    if not isinstance(error, ModuleNotFoundError) or not (missing := missing_packages()):
        return None
    return (
        f"ctcbench: the command line needs packages that are not installed: {', '.join(missing)}; "
        "run `pip install ctcbench` without --no-deps (ctcbench.decoding works without them)"
    )


def _is_installed(name: str) -> bool:
    try:
        metadata.version(name)
    except metadata.PackageNotFoundError:
        return False
    return True
