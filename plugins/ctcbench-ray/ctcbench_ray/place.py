"""Place: a Ray actor that holds a trial's CPUs and GPUs on a node, and supervises its process there.

What passes between it and the study are JSON documents, and the bytes of files.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ctcbench import UsageError
from ctcbench.files.locks import lock
from ctcbench_ray import run_files
from ctcbench_ray.child import Child
from ctcbench_ray.same_software import software

_OWN, _HELD = "ctcbench-place-", ".place"
_ANSWER_SECONDS = 0.5  # a stop travels with the next question, so one is answered at least as often


class Place:
    """One trial on one node: `look`, then `begin`, then `step` until there is an outcome, then `end`."""

    def __init__(self) -> None:
        self._child: Child | None = None
        self._folder: Path | None = None
        self._stack = contextlib.ExitStack()

    def look(self, text: str) -> str:
        """Say where this is, what software is here, and whether the study's folder can be seen.

        The document: ``environment`` of the study, ``token`` ``{path, text}`` of a file in its folder
        (None: does not matter), ``scratch`` (or ``""``).
        """
        import ray

        asked = json.loads(text)
        shared = bool(asked["token"]) and _sees(Path(asked["token"]["path"]), asked["token"]["text"])
        for name, value in asked["environment"].items():
            # The study's cache is this node's as well where they share a file system.
            if name != "CTCBENCH_CACHE" or shared or Path(value).is_dir():
                os.environ[name] = value
        if not shared:
            _scratch(asked["scratch"])  # to be known before a trial begins
        found = {
            "host": socket.gethostname(),
            "node": ray.get_runtime_context().get_node_id(),
            "pid": os.getpid(),
            "shared": shared,
            **software(),
        }
        return json.dumps(found)

    def begin(self, text: str, sent: dict[str, bytes]) -> str:
        """Start the trial, with the files of its run folder; returns their signatures.

        The document: ``order``, ``cwd``, ``shared``, ``scratch``, ``gpu``. Where the study's folder
        is not shared, the run folder lies in one of this place's own.
        """
        asked = json.loads(text)
        order = asked["order"]
        found: dict[str, str] = {}
        if not asked["shared"]:
            out = self._stack.enter_context(_own_folder(_scratch(asked["scratch"])))
            order = {**order, "out": str(out)}
            self._folder = out / order["key"]
            if sent:
                self._folder.mkdir()
                run_files.write(self._folder, sent)
                found = run_files.signatures(self._folder)
        # Paths in a configuration may be relative: they are the study's, where the node has such a folder.
        cwd = Path(asked["cwd"]) if Path(asked["cwd"]).is_dir() else Path.home()
        self._child = Child(order, cwd, gpu=asked["gpu"])
        return json.dumps(found)

    def step(self, text: str) -> tuple[str, dict[str, bytes]]:
        """Return what has happened, soon after something has, and files that have changed.

        The document: ``stop``, ``notices`` (how many the study has heard), ``have`` (signatures of the
        files that it has), ``files`` (whether it wants those of a trial that still runs).
        """
        asked = json.loads(text)
        assert self._child
        if asked["stop"]:
            self._child.stop()
        ended = self._child.wait(_ANSWER_SECONDS)
        answer: dict[str, Any] = {
            "progress": self._child.progress,
            "notices": self._child.notices[asked["notices"] :],
            "outcome": None,
        }
        if ended:
            outcome, answer["lost"] = self._child.ending()
            answer["outcome"] = outcome.to_json()
        changed: dict[str, bytes] = {}
        if self._folder and self._folder.is_dir() and (ended or asked["files"]):
            changed, answer["signatures"] = run_files.read_changed(self._folder, asked["have"])
            answer["all"] = list(run_files.signatures(self._folder))
        return json.dumps(answer), changed

    def end(self) -> None:
        """Remove what this place has of its own."""
        if self._child:
            self._child.kill()
        self._stack.close()


def _sees(path: Path, text: str) -> bool:
    """Say whether a folder is the study's own: the file that it put there is there, and others can be."""
    try:
        return path.read_text(encoding="utf-8") == text and os.access(path.parent, os.W_OK)
    except (OSError, UnicodeDecodeError):
        return False


def _scratch(named: str) -> Path:
    """Return the folder on this machine for run folders that are sent, made if need be.

    Raises:
        UsageError: it can't be written, or is somebody else's.
    """
    base = Path(named) if named else Path(tempfile.gettempdir()) / f"ctcbench-ray-{os.getuid()}"
    try:
        base.mkdir(mode=0o700, parents=True, exist_ok=True)
        theirs = not named and base.stat().st_uid != os.getuid()
        if theirs or not os.access(base, os.W_OK):
            raise PermissionError(0, "it is somebody else's" if theirs else "it is read-only")
    except OSError as error:
        raise UsageError(
            f"{base}: run folders can't be kept there ({error.strerror}); name another folder by scratch="
        ) from error
    return base


@contextlib.contextmanager
def _own_folder(base: Path) -> Iterator[Path]:
    """Give an empty folder in `base`; those of places that were killed go."""
    with contextlib.ExitStack() as stack:
        with lock(base / ".ctcbench-ray", wait=True, what="making a folder here"):
            for stale in base.glob(f"{_OWN}*/{_HELD}"):
                with contextlib.suppress(UsageError, OSError), lock(stale, wait=False, what="away"):
                    shutil.rmtree(stale.parent)
            out = Path(tempfile.mkdtemp(prefix=_OWN, dir=base))
            stack.enter_context(lock(out / _HELD, wait=True, what="training in this folder"))
        try:
            yield out
        finally:
            shutil.rmtree(out, ignore_errors=True)
