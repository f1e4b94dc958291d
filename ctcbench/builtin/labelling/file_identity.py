"""Whether two names are the same file, and the name of a file in its data set."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

# For type checkers alone: `ctcbench --help` must not import numpy.
if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_DIGEST_BYTES = 16
_MISSING = bytes(_DIGEST_BYTES)


def number_files(paths: Iterable[str]) -> NDArray[np.int64]:
    """Return a number for each path, the same for all names of a file; −1 where there is no file.

    ``a.png``, ``./a.png``, ``sub/../a.png``, symbolic links to it, and ``A.png`` where the file system
    ignores case are one file. Hard links are several files.
    """
    import numpy as np

    folders: dict[str, str] = {}
    # A digest of each, because a list may have millions of names.
    digests = bytearray()
    for path in paths:
        digests += _digest(path, folders)
    if not digests:
        return np.zeros(0, np.int64)
    digests_N2 = np.frombuffer(digests, np.uint64).reshape(-1, 2)
    order_N = np.lexsort(digests_N2.T)
    is_new_N = np.ones(len(order_N), np.bool_)
    is_new_N[1:] = (digests_N2[order_N[1:]] != digests_N2[order_N[:-1]]).any(1)
    numbers_N = np.empty(len(order_N), np.int64)
    numbers_N[order_N] = np.cumsum(is_new_N)
    numbers_N[~digests_N2.any(1)] = -1
    return numbers_N


def _digest(name: str, folders: dict[str, str]) -> bytes:
    try:
        state = os.lstat(name)
        if stat.S_ISLNK(state.st_mode):
            name = os.path.realpath(name, strict=True)
            state = os.stat(name)  # noqa: PTH116 (a list may have millions of names, and Path is slower)
    except (OSError, ValueError):
        return _MISSING
    folder, base = os.path.split(name)
    if folder not in folders:
        folders[folder] = os.path.realpath(folder)
    # Programs that save space replace equal pictures by hard links. They share the inode, as `a.png` and
    # `A.png` do where case is ignored, so the name counts as well.
    identity = f"{state.st_dev} {state.st_ino} {f'{folders[folder]}/{base}'.casefold()}"
    return hashlib.blake2b(identity.encode(errors="surrogatepass"), digest_size=_DIGEST_BYTES).digest()


def relative_name(root: Path, file: Path) -> str:
    """Return the path of a file relative to `root`, without ``..``; its whole path if it lies elsewhere."""
    if ".." in file.parts:
        try:
            file, root = file.parent.resolve() / file.name, root.resolve()
        except (OSError, ValueError, RuntimeError):
            return str(file)
    return (file.relative_to(root) if file.is_relative_to(root) else file).as_posix()
