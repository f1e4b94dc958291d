"""GpuReport: the rows of the report on a GPU, the commands that fill them, and the time that is left."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from ctcbench.contract.errors import CtcbenchError
from ctcbench.files.atomic import write_text
from ctcbench.results.provenance import host, versions

# Every setting that makes a command small; they come last, so that they override the others.
MINIATURE = [
    *("--dataset", "captcha:width=60,height=24,length=2,alphabet=digits", "--backbone", "cnn2:width=4"),
    *("--head", "none", "--device", "cpu", "--batch-size", "16", "--epochs", "1"),
    *("--train-samples", "64", "--val-samples", "10", "--test-samples", "20"),
]
ON_GPU = ["--device", "cuda"]
LONGEST_COMMAND = 120.0  # seconds; one that hangs must leave time for the others
_LONGEST_CELL, _LONGEST_STREAM = 300, 20_000  # characters
_DRY_RUN = "Every command ran in miniature on a CPU: figures, met and missed mean nothing here."
_LAST_WORDS = 5.0  # seconds in which a command that was stopped releases its output


@dataclass
class GpuReport:
    """Rows of the report, and the time that is left.

    Attributes:
        dry: whether the commands run in miniature on a CPU.
        out: file that receives the table after each row, None for none.
        rows: measurement, figure and command of each row.
        ends: time of the monotonic clock at which the report has to be finished.
    """

    dry: bool
    out: Path | None
    ends: float
    rows: list[tuple[str, str, str]] = field(default_factory=list)
    _failures: str = ""

    @property
    def seconds_left(self) -> float:
        """The time that is left."""
        return self.ends - time.monotonic()

    def run(
        self,
        arguments: Sequence[str],
        most_seconds: float = LONGEST_COMMAND,
        *,
        explained_on: str = "stderr",
    ) -> str:
        """Return the standard output of ``python -m`` with `arguments`.

        What a command that fails has printed is added to the log beside `out`.

        Args:
            arguments: the module and its arguments.
            most_seconds: time limit, besides the time that is left.
            explained_on: the stream whose last line states why the module failed, if it has one.

        Raises:
            CtcbenchError: it fails, or the time is over; the message is short enough for a cell.
        """
        left = min(self.seconds_left, most_seconds)
        if left < 1:
            raise CtcbenchError("no time left")
        code, output, errors = _run([sys.executable, "-m", *arguments], left)
        if code == 0:
            return output
        self._log(f"python -m {' '.join(arguments)}", code, output, errors)
        streams = [errors.strip(), output.strip()]
        found = next(filter(None, reversed(streams) if explained_on == "stdout" else streams), "no message")
        last = found.splitlines()[-1][-_LONGEST_CELL:]
        if code is not None:
            raise CtcbenchError(f"exit code {code}: {last}")
        # Of the progress that a command prints on standard error, the last line can be a piece of a bar.
        reached = f", at: {last}" if explained_on == "stdout" else ""
        raise CtcbenchError(f"stopped after {left:.0f} s{reached}")

    def _log(self, command: str, code: int | None, *streams: str) -> None:
        if self.out is None:
            return
        ended = "stopped" if code is None else f"exit code {code}"
        self._failures += f"$ {command}\n{ended}\n"
        self._failures += "".join(f"{stream[-_LONGEST_STREAM:]}\n" for stream in streams)
        write_text(self.out.with_suffix(".log"), self._failures)

    def ctcbench(
        self, *arguments: str, miniature: Sequence[str] = (), most_seconds: float = LONGEST_COMMAND
    ) -> Any:
        """Return the JSON document that a command prints; `miniature` are more flags of a dry run.

        Raises:
            CtcbenchError: as `run`.
        """
        device = [*MINIATURE, *miniature] if self.dry else ON_GPU
        return json.loads(self.run(["ctcbench", *arguments, *device, "--json"], most_seconds))

    def measure(self, what: str, command: str, figures: Callable[[], str]) -> None:
        """Add a row with the figures, or with the reason why there are none."""
        print(f"{what} …", file=sys.stderr, flush=True)
        try:
            cell = figures()
        except CtcbenchError as error:
            cell = f"not measured: {error}"
        except Exception as error:  # a document without a key, say; the next rows are measured all the same
            cell = f"not measured: {type(error).__name__}: {error}"
        self.rows.append((what, cell, command))
        # After each row, so that a report that is cut off has what was measured.
        if self.out is not None:
            write_text(self.out, self.table())

    def table(self) -> str:
        """Return the report as Markdown."""
        gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else None
        machine = host(gpu)
        packages = versions()
        lines = [
            f"# Report on {machine['gpu'] or machine['cpu']}{' (dry run)' if self.dry else ''}",
            "",
            f"{machine['cores']} CPU cores; torch {packages['torch']}, CUDA {torch.version.cuda or 'none'}, "
            f"Python {packages['python']}, ctcbench {packages['ctcbench']}.",
            *(["", _DRY_RUN] if self.dry else []),
            "",
            "| what | figure | command |",
            "|---|---|---|",
        ]
        lines += [f"| {' | '.join(_cell(text) for text in row)} |" for row in self.rows]
        return "\n".join(lines) + "\n"


def _run(command: Sequence[str], seconds: float) -> tuple[int | None, str, str]:
    """Return exit code, standard output and standard error of a command; None: it was stopped."""
    # In a session of its own, so that its worker processes can be stopped with it.
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    try:
        output, errors = process.communicate(timeout=seconds)
        return process.returncode, output, errors
    except subprocess.TimeoutExpired:
        _kill(process)
        try:
            return None, *process.communicate(timeout=_LAST_WORDS)
        except subprocess.TimeoutExpired:  # a process that has left the session holds the streams
            return None, "", ""
    finally:
        # After Ctrl-C as well, which reaches only this process.
        _kill(process)


def _kill(process: subprocess.Popen[str]) -> None:
    """Kill a command and the processes that it started, those too that have outlived it."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
