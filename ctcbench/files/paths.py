"""Paths as users write them."""

from __future__ import annotations

from pathlib import Path

from ctcbench.contract.errors import UsageError


def expand_home(path: str, prefix: str) -> Path:
    """Return `path` with a leading ``~`` or ``~user`` replaced by that home folder.

    An error begins with `prefix`, which names the setting that the path comes from.

    Raises:
        UsageError: that user has no known home folder.
    """
    try:
        return Path(path).expanduser()
    except RuntimeError:
        user = path.split("/")[0]
        raise UsageError(f"{prefix}{path}: no home folder is known for {user}; write the path out") from None
