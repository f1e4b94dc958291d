"""Child: the process that carries out a trial on a node, and what it has said so far."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ctcbench import Outcome

_CHARACTERS_OF_STDERR = 20_000
_LINGERING_SECONDS = 10.0
# Signals by which others end a process; any other is its own doing, and would be once more.
_FROM_OUTSIDE = (signal.SIGKILL, signal.SIGTERM, signal.SIGHUP)


class Child:
    """A worker process, ``python -m ctcbench.study.worker``, supervised by this one.

    It ends when this process does: its standard input closes. What it tells of its progress is kept
    as far as it is the latest; sentences for the user are all kept.
    """

    def __init__(self, order: Mapping[str, Any], cwd: Path, environment: Mapping[str, str]) -> None:
        self.key = str(order["key"])
        self.progress: dict[str, Any] | None = None
        self.notices: list[dict[str, Any]] = []
        self._outcome: dict[str, Any] | None = None
        self._news = threading.Event()
        self._told_to_stop = False
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115 (`_end` closes it)
        before = signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})  # Ray's workers have it blocked
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "ctcbench.study.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._stderr,
                cwd=cwd,
                env=dict(environment),
                process_group=0,
            )
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        assert self._process.stdin
        with contextlib.suppress(BrokenPipeError):  # dead already: its exit code tells
            self._process.stdin.write(json.dumps(dict(order)).encode() + b"\n")
            self._process.stdin.flush()
        self._reader = threading.Thread(target=self._listen, daemon=True)
        self._reader.start()

    def stop(self) -> None:
        """Let it save its state and end."""
        if not self._told_to_stop:
            self._told_to_stop = True
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(signal.SIGINT)

    def wait(self, seconds: float) -> bool:
        """Wait for something that should be passed on at once; returns whether the process has ended."""
        self._news.wait(seconds)
        self._news.clear()
        if self._reader.is_alive():
            return False
        self._news.set()  # whoever asks again is not to wait
        return True

    def ending(self) -> tuple[Outcome, str]:
        """Return the outcome, and what killed the process where that was not the trial's doing."""
        self._end()
        if self._outcome is not None:
            return Outcome(**self._outcome), ""
        code = self._process.wait()
        if self._told_to_stop:
            return Outcome(self.key, "stopped"), ""
        words = self._words
        if code < 0:
            names = {number.value: number.name for number in signal.Signals}
            how = f"was killed by {names.get(-code, f'signal {-code}')}"
            how += " (out of memory?)" if -code == signal.SIGKILL else ""
            lost = how if -code in _FROM_OUTSIDE else ""
        else:
            how = f"ended with exit code {code}"
            how += f": {words.splitlines()[-1]}" if words else ""
            lost = ""
        return Outcome(self.key, "failed", f"its worker {how}", words), lost

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()
        self._end()

    def _listen(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            if not line.endswith(b"\n"):
                break  # killed in the middle of a line
            message = json.loads(line)
            if "outcome" in message:
                self._outcome = message["outcome"]
                break
            if message["kind"] == "notice":
                self.notices.append(message)
                self._news.set()
            else:
                self.progress = message
        self._news.set()

    def _end(self) -> None:
        assert self._process.stdin
        assert self._process.stdout
        with contextlib.suppress(OSError):
            self._process.stdin.close()  # one that lingers ends by this
        try:
            self._process.wait(_LINGERING_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join()
        self._process.stdout.close()
        if not self._stderr.closed:
            self._stderr.seek(0)
            self._words = self._stderr.read()[-_CHARACTERS_OF_STDERR:].decode(errors="replace").strip()
            self._stderr.close()


def environment(threads: int, *, gpu: bool) -> dict[str, str]:
    """Return a worker's environment: the same modules are found, its threads and its GPUs are its own.

    Ray has set ``CUDA_VISIBLE_DEVICES`` for what it gave; a trial that asked for no `gpu` sees none.
    """
    # But for what Ray adds for its own use, which would hide packages of those names.
    rays = [Path(folder) for folder in getattr(sys.modules.get("ray"), "__path__", ())]
    entries = [Path(entry or ".").absolute() for entry in sys.path]
    paths = [str(path) for path in entries if not any(path.is_relative_to(ray) for ray in rays)]
    share = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), str(threads))
    seen = {} if gpu else {"CUDA_VISIBLE_DEVICES": ""}
    return {**os.environ, **share, **seen, "PYTHONPATH": os.pathsep.join(paths)}
