"""Output files that the user named, on the command line for example."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from ctcbench.contract.errors import UsageError
from ctcbench.files.atomic import atomic_path, unwritable


def require_folder_of(path: Path) -> None:
    """Check that the folder of an output file exists.

    It is not created, because a missing one is usually a mistyped path.

    Raises:
        UsageError: there is no such folder.
    """
    folder = Path(os.path.realpath(path)).parent
    if not folder.is_dir():
        raise UsageError(f"{path}: no folder {folder} to write it in; create it first, or name another")


def write_output(path: Path, data: bytes) -> None:
    """Write an output file.

    A regular file is replaced atomically, and of a symbolic link its target; a device or a pipe is
    written directly.

    Raises:
        UsageError: there is no such folder, or the file can't be written.
    """
    try:
        is_regular = stat.S_ISREG(path.stat().st_mode)
    except FileNotFoundError:
        is_regular = True
    except OSError as error:
        raise unwritable(path, error) from error
    if is_regular:
        require_folder_of(path)
        # The target of a link: replacing the link itself would cut it.
        with atomic_path(Path(os.path.realpath(path))) as temporary:
            temporary.write_bytes(data)
        return
    try:
        # A device or a pipe, such as /dev/stdout, can't be replaced by another file.
        with path.open("wb") as device:
            device.write(data)
    except OSError as error:
        raise unwritable(path, error) from error
