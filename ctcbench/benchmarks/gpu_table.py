"""GpuReport: the rows of the report on a GPU, the commands that fill them, and the time that is left."""

from __future__ import annotations

import json
import math
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

    @property
    def seconds_left(self) -> float:
        """The time that is left."""
        return self.ends - time.monotonic()

    def run(
        self, arguments: Sequence[str], most_seconds: float = math.inf, *, explained_on: str = "stderr"
    ) -> str:
        """Return the standard output of ``python -m`` with `arguments`.

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
        try:
            done = subprocess.run(
                [sys.executable, "-m", *arguments], capture_output=True, text=True, timeout=left, check=False
            )
        except subprocess.TimeoutExpired:
            raise CtcbenchError(f"stopped after {left:.0f} s: no time left") from None
        if done.returncode:
            streams = [done.stderr.strip(), done.stdout.strip()]
            found = next(
                filter(None, reversed(streams) if explained_on == "stdout" else streams), "no message"
            )
            last = found.splitlines()[-1]
            raise CtcbenchError(f"exit code {done.returncode}: {last}")
        return done.stdout

    def ctcbench(self, *arguments: str, miniature: Sequence[str] = ()) -> Any:
        """Return the JSON document that a command prints; `miniature` are more flags of a dry run.

        Raises:
            CtcbenchError: as `run`.
        """
        device = [*MINIATURE, *miniature] if self.dry else ON_GPU
        return json.loads(self.run(["ctcbench", *arguments, *device, "--json"]))

    def measure(self, what: str, command: str, figures: Callable[[], str]) -> None:
        """Add a row with the figures, or with the reason why there are none."""
        print(f"{what} …", file=sys.stderr, flush=True)
        try:
            cell = figures()
        except CtcbenchError as error:
            cell = f"not measured: {error}"
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
            "",
            "| what | figure | command |",
            "|---|---|---|",
        ]
        lines += [f"| {' | '.join(_cell(text) for text in row)} |" for row in self.rows]
        return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
