"""Paths as users write them."""

from __future__ import annotations

from pathlib import Path

from ctcbench.contract.errors import UsageError, nearest


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


def outer_space_hint(path: Path) -> str:
    """Return the end of an error about a missing path: that only spaces at an end of its name are missing.

    A component string drops them unless its value is in quotes. The text is empty where the path exists.
    """
    try:
        similar = [one.name for one in path.parent.iterdir() if one.name.strip(" ") == path.name]
    except OSError:
        return ""
    if not similar or path.name in similar:
        return ""
    return f"; there is {similar[0]!r}: a path with a space at an end is put in quotes, path='…'"


def similar_folder_hint(path: Path) -> str:
    """Return the end of an error about a missing folder: the folder beside it that was likely meant."""
    try:
        folders = [one.name for one in path.parent.iterdir() if one.is_dir()]
    except OSError:
        return ""
    return outer_space_hint(path) or nearest(path.name, folders)
