"""Whether two names are the same file, and the name of a file in its data set."""

from __future__ import annotations

import os
import stat
from pathlib import Path

Identity = tuple[str, int, int]


class FileIdentities:
    """The identities of files; those that were asked for are kept."""

    def __init__(self) -> None:
        self._known: dict[str, Identity | None] = {}
        self._folders: dict[str, str] = {}

    def of(self, file: Path) -> Identity | None:
        """Return a value that is the same for all names of a file, None if there is no such file.

        ``a.png``, ``./a.png``, ``sub/../a.png``, symbolic links to it, and ``A.png`` where the file system
        ignores case are one file. Hard links are several files.
        """
        name = str(file)
        if name not in self._known:
            try:
                self._known[name] = self._find(name)
            except (OSError, ValueError):
                self._known[name] = None
        return self._known[name]

    def _find(self, name: str) -> Identity:
        state = os.lstat(name)
        if stat.S_ISLNK(state.st_mode):
            name = os.path.realpath(name, strict=True)
            state = os.stat(name)  # noqa: PTH116 (a list may have millions of names, and Path is slower)
        folder, base = os.path.split(name)
        if folder not in self._folders:
            self._folders[folder] = os.path.realpath(folder)
        # Programs that save space replace equal pictures by hard links. They share the inode, as `a.png` and
        # `A.png` do where case is ignored, so the name counts as well.
        return f"{self._folders[folder]}/{base}".casefold(), state.st_dev, state.st_ino


def relative_name(root: Path, file: Path) -> str:
    """Return the path of a file relative to `root`, without ``..``; its whole path if it lies elsewhere."""
    if ".." in file.parts:
        try:
            file, root = file.parent.resolve() / file.name, root.resolve()
        except (OSError, ValueError, RuntimeError):
            return str(file)
    return (file.relative_to(root) if file.is_relative_to(root) else file).as_posix()
