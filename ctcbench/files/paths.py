"""Paths as people write them."""

from __future__ import annotations

from pathlib import Path

from ctcbench.contract.errors import UsageError


def at_home(path: str, where: str) -> Path:
    """Return `path` with ``~`` or ``~user`` in front spelled out; an error has `where` it stands before it.

    Raises:
        UsageError: there is no home folder for it.
    """
    try:
        return Path(path).expanduser()
    except RuntimeError:
        user = path.split("/")[0]
        raise UsageError(f"{where}{path}: no home folder is known for {user}; write the path out") from None
