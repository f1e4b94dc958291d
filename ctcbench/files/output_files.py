"""Output files that the user named, on the command line for example."""

from __future__ import annotations

import os
import stat
import sys
import tempfile
from pathlib import Path
from typing import TextIO

from ctcbench.contract.errors import CtcbenchError, UsageError
from ctcbench.files.atomic import atomic_path, unwritable
from ctcbench.files.manifest import MANIFEST, parse_manifest

# The program sets it: its `sys.stdout` and descriptor 1 are standard error, so that no component writes
# between the lines of a document.
standard_output: TextIO | None = None
_STANDARD_OUTPUT = ("/dev/stdout", "/dev/fd/1", "/proc/self/fd/1")


def require_output(path: Path, *inputs: Path | None) -> None:
    """Check that an output file can be written, before the work whose result it is for.

    Its folder is not created, because a missing one is usually a mistyped path.

    Args:
        path: the output file.
        inputs: the files that it is made from, which it must not replace; None for one that is not given.

    Raises:
        UsageError: there is no such folder, no file can be created in it, or `path` is a folder, an input
            or a file of a run.
    """
    try:
        if is_device(path):
            return
        if path.exists() and any(one is not None and one.exists() and path.samefile(one) for one in inputs):
            raise UsageError(f"{path}: is the file to read; name another one to write")
        if path.is_dir():
            raise UsageError(f"{path}: is a folder; name a file in it")
        if path.exists() and _is_sealed(_target(path)):
            raise UsageError(f"{path}: is a file of a run, which can't be read without it; name another")
        _require_folder_of(path)
        with tempfile.TemporaryFile(dir=_target(path).parent):
            pass
    except OSError as error:
        raise unwritable(path, error) from error


def write_output(path: Path, data: bytes) -> None:
    """Write an output file.

    A regular file is replaced atomically, and of a symbolic link its target; a device or a pipe is
    written directly. ``/dev/stdout`` is the standard output of the program.

    Raises:
        UsageError: there is no such folder, or the file can't be written.
    """
    try:
        if is_standard_output(path):
            stream = standard_output or sys.stdout
            stream.flush()
            stream.buffer.write(data)
            stream.buffer.flush()
            return
        if not is_device(path):
            _require_folder_of(path)
            with atomic_path(_target(path)) as temporary:
                temporary.write_bytes(data)
            return
        # A device or a pipe can't be replaced by another file.
        with path.open("wb") as device:
            device.write(data)
    except OSError as error:
        raise unwritable(path, error) from error


def is_standard_output(path: Path | None) -> bool:
    """Return whether an output file is the standard output of the program, by one of its names."""
    return str(path) in _STANDARD_OUTPUT


def is_device(path: Path) -> bool:
    """Return whether there is something that is neither a regular file nor a folder, or standard output.

    Raises:
        OSError: that can't be found out; for example, the name is too long.
    """
    if is_standard_output(path):
        return True
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return False
    return not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)


def _is_sealed(file: Path) -> bool:
    """Return whether a file is one that a run folder's manifest has, or that manifest."""
    for folder in file.parents[:2]:
        if (folder / MANIFEST).is_file():
            try:
                digests = parse_manifest((folder / MANIFEST).read_bytes(), folder / MANIFEST)
            except CtcbenchError:
                continue  # of another program
            if file.relative_to(folder).as_posix() in (MANIFEST, *digests):
                return True
    return False


def _target(path: Path) -> Path:
    # The target of a link: replacing the link itself would cut it.
    return Path(os.path.realpath(path))


def _require_folder_of(path: Path) -> None:
    folder = _target(path).parent
    if not folder.is_dir():
        raise UsageError(f"{path}: no folder {folder} to write it in; create it first, or name another")
