"""The cache of drawn images: its folder, the names of the sets in it, its locks and drafts."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from ctcbench.contract.errors import UsageError
from ctcbench.files.locks import Busy, lock
from ctcbench.files.paths import expand_home
from ctcbench.processes.out_of_memory import is_out_of_memory

FORMAT = 2  # of a stored set; part of every key, so that sets of another format are not found
_DRAFT = ".tmp"
_PAUSE_SECONDS = 0.05  # between two attempts to get a lock


def cache_folder() -> Path:
    """Return the cache folder: CTCBENCH_CACHE, or ``ctcbench`` in the user's cache directory.

    Raises:
        UsageError: the variable is not set and there is no home folder, or it names an unknown user's.
    """
    if named := os.environ.get("CTCBENCH_CACHE"):
        return expand_home(named, "CTCBENCH_CACHE=")
    xdg = Path(os.environ.get("XDG_CACHE_HOME", ""))
    # The XDG Base Directory Specification requires that a relative path is ignored.
    if xdg.is_absolute():
        return xdg / "ctcbench"
    with contextlib.suppress(RuntimeError):
        home = Path.home()
        if home != Path(home.root):  # what an empty HOME stands for
            return home / ".cache" / "ctcbench"
    raise UsageError("no home folder to keep drawn images in; name one in CTCBENCH_CACHE")


def unusable(cache: Path, error: OSError) -> UsageError:
    """Return the error for a cache folder that can't be written: the reason, and how to proceed."""
    reason = "it is a file" if cache.is_file() else error.strerror or str(error)
    return UsageError(
        f"{cache}: drawn images can't be kept in this folder ({reason}); "
        f"free space there, or name another folder in CTCBENCH_CACHE"
    )


def key_of(*parts: object) -> str:
    """Return the key of a source: a digest of `parts`, as JSON, and of the cache's format."""
    text = json.dumps([FORMAT, *parts], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def set_folder(cache: Path, key: str, count: int) -> Path:
    """Return the folder of the first `count` samples of a source."""
    return cache / f"{key}-{count}"


def larger_sets(cache: Path, key: str, count: int) -> list[Path]:
    """Return the folders that hold `count` or more samples of a source, the smallest first."""
    return [folder for number, folder in _sets(cache, key) if number >= count]


def drop_smaller_sets(cache: Path, key: str, count: int) -> None:
    """Remove the folders that hold fewer than `count` samples of a source.

    The caller holds the lock of `key`, and a larger set is stored, which serves their requests. A set that
    can't be removed stays.
    """
    # A process that has mapped a removed set keeps its pages.
    for number, folder in _sets(cache, key):
        if number < count:
            with contextlib.suppress(OSError):
                # Renamed first, so that no process finds a part of it under its name.
                shutil.rmtree(folder.rename(cache / f"{folder.name}.old{_DRAFT}"), ignore_errors=True)


def _sets(cache: Path, key: str) -> list[tuple[int, Path]]:
    numbered = ((folder.name.removeprefix(f"{key}-"), folder) for folder in cache.glob(f"{key}-*"))
    return sorted((int(number), folder) for number, folder in numbered if number.isdecimal())


@contextlib.contextmanager
def locked(
    cache: Path, key: str, notice: Callable[[str], None], check: Callable[[], object] = lambda: None
) -> Iterator[None]:
    """Hold the lock of a source, which allows to draw it; wait while another live process holds it.

    `notice` is called with a sentence for the user before a wait, and `check` before each attempt; what it
    raises ends the wait.

    Raises:
        UsageError: the cache folder can't be written.
    """
    with contextlib.ExitStack() as stack:
        try:
            cache.mkdir(parents=True, exist_ok=True)
            waited = False
            while True:
                check()
                try:
                    stack.enter_context(_lock(cache, key))
                    break
                except Busy:
                    if not waited:
                        notice(f"another process is drawing the same images into {cache}; waiting for it")
                    waited = True
                    time.sleep(_PAUSE_SECONDS)
        except OSError as error:
            raise unusable(cache, error) from error
        except UsageError as error:
            # The error of the lock names the lock file; the user knows the cache folder.
            cause = error.__cause__
            raise (unusable(cache, cause) if isinstance(cause, OSError) else error) from cause
        yield


def _lock(cache: Path, key: str) -> contextlib.AbstractContextManager[None]:
    return lock(cache / "locks" / key, wait=False, what="drawing the same images")


@contextlib.contextmanager
def draft(cache: Path, key: str, count: int) -> Iterator[Path]:
    """Yield an empty folder to build a set in; it becomes the set at the end of the context.

    After an exception it is removed. The caller holds the lock of `key`.

    Raises:
        UsageError: the folder can't be written, or the disk is full.
    """
    folder = cache / f"{key}-{count}.{os.getpid()}{_DRAFT}"
    try:
        # The lock is held, so any other draft was left by a process that died.
        for stale in cache.glob(f"{key}-*{_DRAFT}"):
            shutil.rmtree(stale, ignore_errors=True)
        folder.mkdir()
        yield folder
        # To the disk before the rename: after a power failure a file system can otherwise have the new name
        # with empty files.
        for file in (*folder.iterdir(), folder):
            _sync(file)
        final = set_folder(cache, key, count)
        if final.exists():  # damaged; renamed first, so that no process finds a part of it
            final.rename(cache / f"{key}-{count}.old{_DRAFT}")
        folder.rename(final)
        _sync(cache)
        shutil.rmtree(cache / f"{key}-{count}.old{_DRAFT}", ignore_errors=True)
    except OSError as error:
        if is_out_of_memory(error):  # of the processes that draw, for example
            raise
        raise unusable(cache, error) from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def remove_stale_drafts(cache: Path) -> None:
    """Remove the drafts of processes that died: those whose lock no process holds."""
    # They can be gigabytes, and `draft` removes only those of the source that it draws.
    for key in {path.name.partition("-")[0] for path in cache.glob(f"*-*{_DRAFT}")}:
        with contextlib.suppress(UsageError, OSError), _lock(cache, key):
            for stale in cache.glob(f"{key}-*{_DRAFT}"):
                shutil.rmtree(stale, ignore_errors=True)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
