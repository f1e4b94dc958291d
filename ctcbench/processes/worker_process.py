"""A process of this machine that is given one JSON order, answers in JSON lines, and outlives nobody."""

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

_CHARACTERS_OF_STDERR = 20_000
_LINGERING_SECONDS = 10.0


class WorkerProcess:
    """``python -m module`` with an order on its standard input, and a thread that hears its lines.

    `hear(message)` is called from that thread, for each line of JSON, and at the end with None; it returns
    whether to go on listening. The process knows the modules that this one knows, keeps to `threads` CPU
    threads, and is in a process group of its own: Ctrl-C is for this process. Its standard input stays
    open, so that it learns when this process is gone, however that went.

    `environment` is added to this process's, and its folder is `cwd`, if given.

    Raises:
        OSError: the process can't be started.
    """

    def __init__(
        self,
        module: str,
        order: Mapping[str, Any],
        hear: Callable[[Any], bool],
        *,
        threads: int,
        environment: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> None:
        self.last_words = ""
        self._hear = hear
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115 (`end` closes it)
        # An interrupt waits until the module unblocks it: one that comes while it is imported, or where this
        # process ignores interrupts (as those that a shell starts in the background do), is not lost.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", module],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._stderr,
                cwd=cwd,
                env={**os.environ, **_modules_and_threads(threads), **(environment or {})},
                process_group=0,
            )
        except BaseException:
            self._stderr.close()
            raise
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()
        assert self._process.stdin
        with contextlib.suppress(BrokenPipeError):  # dead already: its exit code tells
            self._process.stdin.write(json.dumps(dict(order)).encode() + b"\n")
            self._process.stdin.flush()

    @property
    def pid(self) -> int:
        """The process's number."""
        return self._process.pid

    @property
    def killed_by(self) -> int:
        """The signal that ended it, or 0; known after `end`."""
        return max(0, -self._process.returncode)

    @property
    def how(self) -> str:
        """How it ended, in words; known after `end`."""
        if not (number := self.killed_by):
            return f"ended with exit code {self._process.returncode}"
        names = {known.value: known.name for known in signal.Signals}
        perhaps = " (out of memory?)" if number == signal.SIGKILL else ""
        return f"was killed by {names.get(number, f'signal {number}')}{perhaps}"

    def wait(self) -> int:
        """Return its exit code when it has ended by itself; negative is a signal."""
        return self._process.wait()

    def interrupt(self) -> None:
        """Send it SIGINT, which it hears once its module has called `hear_interrupts`."""
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGINT)

    def end(self, *, kill: bool = False) -> None:
        """Return when it is gone, and its `last_words` on standard error are known.

        Whatever it was doing is cut short; one that lingers is killed, and with `kill` it is at once.
        """
        assert self._process.stdin
        assert self._process.stdout
        if kill:
            self._process.kill()
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        try:
            self._process.wait(_LINGERING_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._listener.join()
        self._process.stdout.close()
        if not self._stderr.closed:
            self._stderr.seek(0)
            self.last_words = self._stderr.read()[-_CHARACTERS_OF_STDERR:].decode(errors="replace").strip()
            self._stderr.close()

    def _listen(self) -> None:
        assert self._process.stdout
        try:
            for line in self._process.stdout:
                # A line without an end is one in the middle of which it was killed.
                if line.endswith(b"\n") and not self._hear(json.loads(line)):
                    break
        finally:
            self._hear(None)


def _modules_and_threads(threads: int) -> dict[str, str]:
    paths = [str(Path(entry or ".").absolute()) for entry in sys.path]
    share = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), str(threads))
    return {**share, "PYTHONPATH": os.pathsep.join(paths)}
