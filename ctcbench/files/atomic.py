"""Writing files so that nothing is ever half there, and locks that die with their process."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import stat
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from ctcbench.contract.errors import CtcbenchError, UsageError


class Busy(UsageError):
    """Another live process holds the lock."""


@contextlib.contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path`; on success it takes `path`'s place, on failure it goes.

    The data is on the disk before the name changes hands, so a power cut leaves the old file or
    the new one.

    Raises:
        UsageError: the folder can't be written, or the disk is full.
    """
    temporary: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
        os.close(handle)
        temporary = Path(name)
        temporary.chmod(0o666 & ~_umask())
        yield temporary
        with temporary.open("rb") as written:
            os.fsync(written.fileno())
        temporary.replace(path)
    except OSError as error:
        raise unwritable(path, error) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write `text` (UTF-8) to `path` atomically."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def require_place(path: Path) -> None:
    """Check that a file that the user named has a folder: one that is mistyped should not be made.

    Raises:
        UsageError: there is no such folder.
    """
    folder = Path(os.path.realpath(path)).parent
    if not folder.is_dir():
        raise UsageError(f"{path}: no folder {folder} to write it in; make that first, or name another")


def write_named(path: Path, data: bytes) -> None:
    """Write a file that the user named: atomically, but never something else out of the way.

    Where a link leads is what is written; a device or a pipe is written as it stands.

    Raises:
        UsageError: there is no such folder, or the file can't be written.
    """
    try:
        is_regular = stat.S_ISREG(path.stat().st_mode)
    except FileNotFoundError:
        is_regular = True  # it will be one
    except OSError as error:
        raise unwritable(path, error) from error
    if is_regular:
        require_place(path)
        with atomic_path(Path(os.path.realpath(path))) as temporary:
            temporary.write_bytes(data)
        return
    try:
        with path.open("wb") as there:
            there.write(data)
    except OSError as error:
        raise unwritable(path, error) from error


def write_json(path: Path, document: Any) -> None:
    """Write a JSON document to `path` atomically; NaN is refused, as JSON has none."""
    write_text(path, json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def read_json(path: Path) -> Any:
    """Return the JSON document in `path`.

    Raises:
        CtcbenchError: the file can't be read, or is cut off or damaged; the message names it.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise CtcbenchError(f"{path}: can't be read ({error.strerror})") from error
    except (ValueError, RecursionError) as error:
        raise CtcbenchError(f"{path}: damaged or cut off ({error})") from error


def unwritable(path: Path, error: OSError) -> UsageError:
    """Return the error for a file that can't be written, with what to do about it."""
    reason = error.strerror or str(error)
    way = "free space there or name" if error.errno in (errno.ENOSPC, errno.EDQUOT) else "name"
    return UsageError(f"{path}: can't be written ({reason}); {way} another folder")


@contextlib.contextmanager
def lock(path: Path, *, wait: bool, what: str, patience: float = 0.0) -> Iterator[None]:
    """Hold the lock file `path`; the system lets go of it when this process ends, however it ends.

    Without `wait`, another one has `patience` seconds to let go of it.

    Raises:
        Busy: `wait` is False and another live process holds it; says what that one is doing, which is
            the `what` that it gave.
        UsageError: the lock file can't be made.
    """
    import fcntl

    deadline = time.monotonic() + patience
    while True:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            handle = path.open("a+", encoding="utf-8")
        except OSError as error:
            raise unwritable(path, error) from error
        with handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            except BlockingIOError:
                if time.monotonic() < deadline:
                    time.sleep(0.05)
                    continue
                handle.seek(0)
                owner = handle.read().strip() or "another process is at work"
                raise Busy(f"{path.parent}: {owner}; wait for it or stop it") from None
            if not _is_still(path, handle):  # its last holder took the folder away meanwhile
                continue
            with contextlib.suppress(OSError):  # a full disk: the words are for others to read, no more
                os.ftruncate(handle.fileno(), 0)
                os.write(handle.fileno(), f"process {os.getpid()} is {what}".encode())
            yield
            return


def _is_still(path: Path, handle: IO[str]) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(handle.fileno()))
    except FileNotFoundError:
        return False


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current
