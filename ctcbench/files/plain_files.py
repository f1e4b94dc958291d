"""Plain files: no pipe, device or folder is read as a file, and no file that is larger than a limit.

A file from a stranger can be a pipe that blocks for ever, or a device that never ends.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from ctcbench.contract.errors import CtcbenchError, UsageError

MIB = 2**20
_KINDS = {
    stat.S_IFLNK: "a symbolic link",
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


class NotPlain(CtcbenchError):
    """A file is a link, a pipe, a device, a folder or a socket where only a plain file is allowed."""


def read_named_file(path: Path, limit: int) -> bytes:
    """Return the content of a file that the user named; a symbolic link to a plain file is followed.

    Raises:
        UsageError: it is not a plain file, can't be read, or is larger than `limit` bytes.
    """
    try:
        # Checked before the file is opened as well: opening some devices has an effect.
        require_plain(path.stat(), path)
        return read_whole(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), path, limit)
    except OSError as error:
        raise UsageError(f"{path}: can't be read ({error.strerror})") from None
    except CtcbenchError as error:
        raise UsageError(str(error)) from None


def read_whole(handle: int, path: Path, limit: int) -> bytes:
    """Return the content of an open file, and close it.

    Raises:
        CtcbenchError: it is not a plain file, or is larger than `limit` bytes.
    """
    with open(handle, "rb") as file:
        # No more than the size that was checked, also where the file grows meanwhile.
        return file.read(require_size(os.fstat(handle), path, limit))


def require_size(found: os.stat_result, path: Path, limit: int) -> int:
    """Return the size of a file in bytes; `found` is the status of `path`.

    Raises:
        CtcbenchError: it is not a plain file, or is larger than `limit` or the memory of the machine.
    """
    require_plain(found, path)
    # A sparse file can claim any size without taking space.
    most = min(limit, os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    if found.st_size > most:
        raise CtcbenchError(f"{path}: has {found.st_size:,} bytes, but such a file may have {most:,} at most")
    return found.st_size


def why_not_plain(path: Path) -> str:
    """Return why a path that the user named is not that of a plain file, or an empty text if it is."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return "no such file"
    except OSError as error:  # a name that is too long, a folder that can't be searched
        return f"can't be read ({error.strerror})"
    except ValueError:  # a NUL in the name
        return "no such file"
    return "" if stat.S_ISREG(found.st_mode) else f"is {kind_of_file(found)}, not a plain file"


def is_folder(path: Path) -> bool:
    """Return whether a path that the user named, which can be any text, is that of a folder."""
    try:
        return stat.S_ISDIR(path.stat().st_mode)
    except (OSError, ValueError):  # none there, a name that is too long, a NUL in it
        return False


def require_plain(found: os.stat_result, path: Path) -> None:
    """Raise NotPlain unless `found`, the status of `path`, is that of a plain file."""
    if not stat.S_ISREG(found.st_mode):
        raise NotPlain(
            f"{path}: is {kind_of_file(found)}, not a plain file; only plain files are read and written"
        )


def kind_of_file(found: os.stat_result) -> str:
    """Return the kind of a file in words: "a pipe"."""
    return _KINDS.get(stat.S_IFMT(found.st_mode), "something else")


def unreadable(path: Path, error: OSError) -> CtcbenchError:
    """Return the error for a file that can't be read."""
    return CtcbenchError(f"{path}: can't be read ({error.strerror})")
