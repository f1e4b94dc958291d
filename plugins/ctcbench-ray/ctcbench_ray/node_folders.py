"""Folders on a node: whether the study's folder is shared with it, and scratch folders for run folders."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from ctcbench import UsageError
from ctcbench.files.locks import lock

_PREFIX, _LOCK = "ctcbench-trial-", ".held"


def is_shared(token: Path, text: str) -> bool:
    """Return whether this node shares the study's folder: it can read the token there and write beside it."""
    try:
        return token.read_text(encoding="utf-8") == text and os.access(token.parent, os.W_OK)
    except (OSError, UnicodeDecodeError):
        return False


def scratch_folder(named: str) -> Path:
    """Return the folder on this node for run folders that are sent; it is created if missing.

    It is the one that the option names, or by default (``""``) one of this user in ``/tmp``.

    Raises:
        UsageError: it can't be written, or belongs to another user.
    """
    # A folder of the user's own: in /tmp, another user could create it first and read or replace files.
    base = Path(named) if named else Path(tempfile.gettempdir()) / f"ctcbench-ray-{os.getuid()}"
    try:
        base.mkdir(mode=0o700, parents=True, exist_ok=True)
        theirs = not named and base.stat().st_uid != os.getuid()
        if theirs or not os.access(base, os.W_OK):
            raise PermissionError(0, "it belongs to another user" if theirs else "it is read-only")
    except OSError as error:
        raise UsageError(
            f"{base}: run folders can't be kept there ({error.strerror}); name another folder by scratch="
        ) from error
    return base


@contextlib.contextmanager
def trial_folder(base: Path) -> Iterator[Path]:
    """Yield an empty folder in `base`, and remove it at the end.

    Folders of actors that were killed are removed first.
    """
    with contextlib.ExitStack() as stack:
        # While a folder is made, but not locked yet, another actor must not take it for a stale one.
        with lock(base / ".ctcbench-ray", wait=True, what="creating a folder here"):
            for stale in base.glob(f"{_PREFIX}*/{_LOCK}"):
                # The lock of an actor that was killed is free; one that is held belongs to a running trial.
                with contextlib.suppress(UsageError, OSError), lock(stale, wait=False, what="removing it"):
                    shutil.rmtree(stale.parent)
            out = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=base))
            stack.enter_context(lock(out / _LOCK, wait=True, what="training in this folder"))
        try:
            yield out
        finally:
            shutil.rmtree(out, ignore_errors=True)
