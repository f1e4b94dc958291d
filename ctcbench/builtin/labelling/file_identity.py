"""Whether two names are the same file, and the name of a file in its data set."""

from __future__ import annotations

import os
from pathlib import Path

Identity = tuple[str, int, int]


class FileIdentities:
    """The identity of files; the folders that were resolved are kept."""

    def __init__(self) -> None:
        self._folders: dict[str, str] = {}

    def of(self, file: Path) -> Identity | None:
        """Return a value that is the same for all names of a file, None if there is no such file.

        ``a.png``, ``./a.png``, ``sub/../a.png``, symbolic links to it, and ``A.png`` where the file system
        ignores case are one file. Hard links are several files.
        """
        try:
            if file.is_symlink():
                file = file.resolve(strict=True)
            state = file.stat()
        except (OSError, ValueError, RuntimeError):
            return None
        parent = str(file.parent)
        if parent not in self._folders:
            self._folders[parent] = os.path.realpath(parent)
        # Programs that save space replace equal pictures by hard links. They share the inode, as `a.png` and
        # `A.png` do where case is ignored, so the name counts as well.
        return f"{self._folders[parent]}/{file.name}".casefold(), state.st_dev, state.st_ino


def relative_name(root: Path, file: Path) -> str:
    """Return the path of a file relative to `root`, without ``..``; its whole path if it lies elsewhere."""
    if ".." in file.parts:
        try:
            file, root = file.parent.resolve() / file.name, root.resolve()
        except (OSError, ValueError, RuntimeError):
            return str(file)
    return (file.relative_to(root) if file.is_relative_to(root) else file).as_posix()
