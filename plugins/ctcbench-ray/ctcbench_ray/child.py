"""Child: the process that carries out a trial on a node, and what it has said so far."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ctcbench import Outcome, TrialProcess

# Signals by which others end a process; any other is its own doing, and would be once more.
_FROM_OUTSIDE = (signal.SIGKILL, signal.SIGTERM, signal.SIGHUP)


class Child:
    """A trial's process, supervised by this one, and ending with it.

    What it tells of its progress is kept as far as it is the latest; sentences for the user are all kept.
    """

    def __init__(self, order: Mapping[str, Any], cwd: Path, *, gpu: bool) -> None:
        self.progress: Mapping[str, Any] | None = None
        self.notices: list[Mapping[str, Any]] = []
        self._ended = False
        self._news = threading.Event()
        self._process = TrialProcess(
            order, self._hear, threads=order.get("threads", 1), environment=_environment(gpu=gpu), cwd=cwd
        )

    @property
    def pid(self) -> int:
        """The process's number."""
        return self._process.pid

    def stop(self) -> None:
        """Let it save its state and end."""
        self._process.stop()

    def wait(self, seconds: float) -> bool:
        """Wait for something that should be passed on at once; returns whether the process has ended."""
        self._news.wait(seconds)
        self._news.clear()
        if not self._ended:
            return False
        self._news.set()  # whoever asks again is not to wait
        return True

    def ending(self) -> tuple[Outcome, str]:
        """Return the outcome, and what killed the process where that was not the trial's doing."""
        outcome = self._process.end()
        if outcome.state == "failed" and self._process.killed_by in _FROM_OUTSIDE:
            return outcome, outcome.error.removeprefix("its worker ")
        return outcome, ""

    def kill(self) -> None:
        """End it at once."""
        self._process.end(kill=True)

    def _hear(self, event: Mapping[str, Any] | None) -> None:
        if event is None:
            self._ended = True
        elif event["kind"] == "notice":
            self.notices.append(event)
        else:
            self.progress = event
            return
        self._news.set()


def _environment(*, gpu: bool) -> dict[str, str]:
    """Return what a trial's process has in place of this one's: the study's modules, and its own GPUs.

    Ray has set ``CUDA_VISIBLE_DEVICES`` for what it gave; a trial that asked for no `gpu` sees none.
    """
    # But for what Ray adds for its own use, which would hide packages of those names.
    rays = [Path(folder) for folder in getattr(sys.modules.get("ray"), "__path__", ())]
    entries = [Path(entry or ".").absolute() for entry in sys.path]
    paths = [str(path) for path in entries if not any(path.is_relative_to(ray) for ray in rays)]
    seen = {} if gpu else {"CUDA_VISIBLE_DEVICES": ""}
    return {**seen, "PYTHONPATH": os.pathsep.join(paths)}
