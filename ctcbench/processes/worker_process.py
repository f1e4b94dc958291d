"""The parent side of a worker process: start it, receive its messages, end it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ctcbench.processes.remote_errors import decode_error
from ctcbench.processes.signals import interrupts_blocked

_STDERR_BYTES = 20_000
_GRACE_SECONDS = 10.0


class WorkerProcess:
    """A process ``python -m module`` whose main function calls `worker_main.serve`.

    `on_message` is called from a thread of its own: with each message of the worker, and at last with None,
    when the worker has sent its outcome or has ended without one. The worker finds the modules that this
    process finds, is limited to `threads` CPU threads, and is in a process group of its own, so that Ctrl-C
    does not reach it. It ends when this process does, however that happens.

    `environment` is added to this process's variables; `cwd` is the worker's working directory, by default
    this process's.

    Raises:
        OSError: the process can't be started.
    """

    def __init__(
        self,
        module: str,
        order: Mapping[str, Any],
        on_message: Callable[[Any], object],
        *,
        threads: int,
        environment: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> None:
        self.finished = False  # whether it has sent an outcome
        self.outcome: Any = None
        self.error: Exception | None = None  # the error that it has sent in place of an outcome
        self.stderr = ""  # the end of its standard error; known after `end`
        self._on_message = on_message
        self._stderr_file = tempfile.TemporaryFile()  # noqa: SIM115 (`end` closes it)
        try:
            # Blocked until `serve` is called, so that an interrupt during the worker's imports is not lost.
            with interrupts_blocked():
                self._process = subprocess.Popen(
                    [sys.executable, "-P", "-m", module],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=self._stderr_file,
                    cwd=cwd,
                    env={**os.environ, **_modules_and_threads(threads), **(environment or {})},
                    process_group=0,
                )
        except BaseException:
            self._stderr_file.close()
            raise
        self._receiver = threading.Thread(target=self._receive, daemon=True)
        self._receiver.start()
        self.send(order)

    @property
    def pid(self) -> int:
        """The process's number."""
        return self._process.pid

    @property
    def killed_by(self) -> int:
        """The number of the signal that ended it, or 0; known after `end`."""
        return max(0, -self._process.returncode)

    @property
    def exit_description(self) -> str:
        """How it ended, as ``was killed by SIGKILL (out of memory?)``; known after `end`."""
        if not (number := self.killed_by):
            return f"ended with exit code {self._process.returncode}"
        names = {known.value: known.name for known in signal.Signals}
        perhaps = " (out of memory?)" if number == signal.SIGKILL else ""
        return f"was killed by {names.get(number, f'signal {number}')}{perhaps}"

    def interrupt(self) -> None:
        """Send SIGINT, which raises KeyboardInterrupt in the handler as soon as that runs."""
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGINT)

    def send(self, message: Mapping[str, Any]) -> None:
        """Send a message, which the worker's `serve` passes on; nothing happens if it has ended."""
        assert self._process.stdin
        if self._process.stdin.closed:
            return
        with contextlib.suppress(BrokenPipeError):  # `exit_description` says how it has ended
            self._process.stdin.write(json.dumps(dict(message)).encode() + b"\n")
            self._process.stdin.flush()

    def wait(self) -> None:
        """Wait until it has sent its outcome, or has ended without one."""
        self._receiver.join()

    def end(self, *, kill: bool = False) -> None:
        """End the process and wait until it is gone; one that has not finished is cut short.

        With `kill` it is killed at once, otherwise ten seconds after it was told to end.
        """
        assert self._process.stdin
        assert self._process.stdout
        if kill:
            self._process.kill()
        elif not self.finished and not self._receiver.is_alive():
            # It is about to exit by itself: closing standard input now could replace its exit code.
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(_GRACE_SECONDS)
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        try:
            self._process.wait(_GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._receiver.join()
        self._process.stdout.close()
        if not self._stderr_file.closed:
            self._stderr_file.seek(0)
            self.stderr = self._stderr_file.read()[-_STDERR_BYTES:].decode(errors="replace").strip()
            self._stderr_file.close()

    def _receive(self) -> None:
        assert self._process.stdout
        try:
            for line in self._process.stdout:
                if not line.endswith(b"\n"):
                    return  # it was killed while it wrote this line
                message = json.loads(line)
                if "outcome" in message:
                    self.finished, self.outcome = True, message["outcome"]
                    return
                if "error" in message:
                    self.error = decode_error(message["error"])
                    return
                self._on_message(message)
        finally:
            self._on_message(None)


def _modules_and_threads(threads: int) -> dict[str, str]:
    paths = [str(Path(entry or ".").absolute()) for entry in sys.path]
    limits = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), str(threads))
    return {**limits, "PYTHONPATH": os.pathsep.join(paths)}
