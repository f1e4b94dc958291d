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
    """Return one line that explains a failed import, or None if every required package is installed.

    The import may have failed within a component, whose error it then is the cause of.
    """
    failed = error if isinstance(error, ModuleNotFoundError) else error.__cause__
    if not isinstance(failed, ModuleNotFoundError) or not (missing := missing_packages()):
        return None
    needed = (failed.name or "").partition(".")[0]
    if needed in missing and "typer" not in missing:  # the command line works without it
        others = [name for name in missing if name != needed]
        also = f" (missing too: {', '.join(others)})" if others else ""
        return (
            f"ctcbench: this command needs {needed}, which is not installed{also}; "
            f"run `pip install {needed}`, or `pip install ctcbench` without --no-deps for all"
        )
    if failed is not error:
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
