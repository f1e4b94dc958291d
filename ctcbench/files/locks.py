"""Lock files: one process at a time, released by the operating system however the process ends."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from ctcbench.contract.errors import CtcbenchError, UsageError
from ctcbench.files.atomic import unwritable
from ctcbench.files.plain_files import NotPlain, require_plain
from ctcbench.files.plain_folder import PlainFolder
from ctcbench.files.text import one_line

if TYPE_CHECKING:
    from filelock import FileLock

_ATTEMPTS = 10
_MOST_BYTES = 4096


class Busy(UsageError):
    """Another live process holds the lock."""


@contextlib.contextmanager
def lock(path: Path, *, wait: bool, what: str, patience: float = 0.0) -> Iterator[None]:
    """Hold the lock file `path` while the context lasts.

    `what` describes the work that the lock protects, as in ``training in this run folder``; it is kept in
    the file ``<path>.holder``, from which the error of another process quotes it. The lock is advisory
    (``flock``), so that ``kill -9`` releases it too. Anything but a plain file that has no second name is
    refused in the lock file's place, because filelock truncates the file (up to version 3.24).

    Without `wait`, another process has `patience` seconds to release the lock.

    Raises:
        Busy: `wait` is False and another live process holds the lock.
        NotPlain: a link, a pipe or something else is in the lock file's place.
        UsageError: the lock file can't be created, or the file system has no locks.
    """
    held = _acquire(path, -1.0 if wait else patience)
    holder = _holder_path(path)
    try:
        # The text is for other processes to quote; on a full disk the lock works without it.
        with contextlib.suppress(CtcbenchError):
            _write_holder(holder, what)
        yield
    finally:
        with contextlib.suppress(OSError):
            holder.unlink()
        held.release()


def _acquire(path: Path, timeout: float) -> FileLock:
    from filelock import FileLock, Timeout  # 70 ms, which `--help` should not pay

    # A generator that holds the lock may be closed by another thread than the one that started it.
    held = FileLock(path, thread_local=False)
    for attempt in range(_ATTEMPTS):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise unwritable(path, error) from error
        _require_own_file(path)
        try:
            held.acquire(timeout=timeout)
        except Timeout:
            raise Busy(f"{path.parent}: {_holder(path)}; wait for it or stop it") from None
        except OSError as error:
            # The previous holder removed the whole folder after it was created above: create it again.
            if isinstance(error, FileNotFoundError) and attempt + 1 < _ATTEMPTS:
                continue
            if error.errno in (errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOLCK):
                raise UsageError(
                    f"{path}: can't be locked ({error.strerror}), so that two processes might write there; "
                    "name a folder on another file system"
                ) from error
            raise unwritable(path, error) from error
        break
    return held


def _require_own_file(path: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        found = path.lstat()
        require_plain(found, path)
        if found.st_nlink > 1:
            raise NotPlain(f"{path}: is a hard link, which shares its content with another file; remove it")


def _holder_path(path: Path) -> Path:
    return path.with_name(f"{path.name}.holder")


def _write_holder(path: Path, what: str) -> None:
    """Write which process on which host holds the lock, and what for."""
    # Not into the lock file itself: filelock truncates that on each attempt to acquire it (up to 3.24).
    PlainFolder(path.parent).write(
        path.name, f"{socket.gethostname()}\nprocess {os.getpid()} is {what}\n".encode()
    )


def _holder(path: Path) -> str:
    """Return which process holds the lock and what for; the host too where it is another one."""
    try:
        data = PlainFolder(path.parent).read(_holder_path(path).name, _MOST_BYTES)
        text = data.decode(errors="replace")
    except CtcbenchError:
        text = ""
    host, _, what = text.partition("\n")
    if not what.strip():
        return "another process is at work"
    return one_line(what) + ("" if host == socket.gethostname() else f" (on {one_line(host)})")
