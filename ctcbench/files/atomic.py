"""Atomic writes: a reader finds the old file or the new one, never a part of either."""

from __future__ import annotations

import contextlib
import errno
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from ctcbench.contract.errors import UsageError

_NAME_BYTES = 255 - len("..12345678.tmp")  # of a file, in that of its temporary file


@contextlib.contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yield a temporary path next to `path`, which replaces `path` at the end of the context.

    After an exception the temporary file is removed and `path` is left as it was. Missing parent folders
    are created.

    Raises:
        UsageError: the folder can't be written, or the disk is full.
    """
    temporary: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=temporary_prefix(path.name), suffix=".tmp", dir=path.parent)
        os.close(handle)
        temporary = Path(name)
        temporary.chmod(0o666 & ~_umask())  # mkstemp lets no other user read its files
        yield temporary
        # On the disk before the rename, so that a power cut leaves the old file or the new one.
        with temporary.open("rb") as written:
            os.fsync(written.fileno())
        temporary.replace(path)
    except OSError as error:
        raise unwritable(path, error) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write `text` (UTF-8) to `path` atomically.

    Raises:
        UsageError: the file can't be written.
    """
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def temporary_prefix(name: str) -> str:
    """Return the beginning of the names of the temporary files of a file; 8 letters and ``.tmp`` follow it.

    Of a long name it has the beginning, because a file system allows 255 bytes for the name of a file.
    """
    return f".{os.fsdecode(os.fsencode(name)[:_NAME_BYTES])}."


def unwritable(path: Path, error: OSError) -> UsageError:
    """Return the error for a file that can't be written: the reason, and how to proceed."""
    reason = error.strerror or str(error)
    remedy = "name another folder"
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        remedy = "free space there or name another folder"
    elif error.errno == errno.EISDIR:
        remedy = "name a file in it"
    elif error.errno == errno.ENAMETOOLONG:
        remedy = "choose a shorter name"
    return UsageError(f"{path}: can't be written ({reason}); {remedy}")


def _umask() -> int:
    current = os.umask(0)  # there is no way to read it without setting it
    os.umask(current)
    return current
