"""Report on a GPU: `python -m ctcbench.benchmarks.gpu_report`, or `make gpu-report` in a checkout.

It takes at most eight minutes, needs no network, and prints one Markdown table. A measurement that fails or
finds no time left is a row that says so, and a file beside that of `--out` has the output of a command that
failed. `--dry-run` runs every command in miniature on a CPU.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch

from ctcbench.benchmarks.gpu_goals import GOALS, OVERHEAD_GOAL, SEEDS_GOAL, Goal
from ctcbench.benchmarks.gpu_table import MINIATURE, ON_GPU, GpuReport
from ctcbench.contract.errors import CtcbenchError
from ctcbench.reporting.number_format import percent

_MINUTES = 8.0
# Seconds: of the tests at most, of a training without a limit, of a command besides its training.
_LONGEST_TESTS, _LONGEST_TRAINING, _START = 150.0, 40.0, 15.0
_LONGEST_SEEDS = 150.0


def report_steps(report: GpuReport) -> None:
    """Add the training step of three presets, kernel by kernel and as a CUDA graph."""
    for preset in ("fast", "fast-gpu", "talk-final"):
        command = ["bench", "train", "--preset", preset]

        def figures(command: list[str] = command) -> str:
            found = report.ctcbench(*command, miniature=["--steps", "3"])
            if "on_gpu" not in found:
                return f"{found['step_ms']['median']:.2f} ms on a CPU"
            return "; ".join(f"{name}: {_step(row)}" for name, row in found["on_gpu"].items())

        report.measure(f"step of {preset}", " ".join(["ctcbench", *command]), figures)


def _step(row: dict[str, Any]) -> str:
    """Return the figures of a step on a GPU, as ``bench train --json`` prints them."""
    if row["obstacle"]:
        return f"not possible ({row['obstacle']})"
    return (
        f"{row['step_ms']:.2f} ms, {row['images_per_second']:,.0f} images/s, {row['launches']:.0f} launches, "
        f"GPU busy {row['busy_ms']:.2f} ms, {percent(row['share_of_peak'], 0)} of the peak"
    )


def _word(met: bool) -> str:
    return "met" if met else "missed"


def report_goals(report: GpuReport, out: Path) -> None:
    """Add the goals: accuracy and seconds of training, as means over seeds, and the time of the command."""
    # Drawn by two steps of the preset with the most images, whose first ones are those of the others: the
    # time of drawing is not that of the training.
    drawing = ["run", "--preset", "best-gpu", "--test-samples", "10000", "--max-steps", "2"]

    def draw() -> str:
        started = time.monotonic()
        report.ctcbench(*drawing, "--out", str(out / "drawing"))
        return f"{time.monotonic() - started:.1f} s, with two steps of training and the test"

    report.measure("drawing the images of the goals", " ".join(["ctcbench", *drawing]), draw)
    for number, goal in enumerate(GOALS):
        # Fewer seeds where the other goals would find no time otherwise.
        kept = sum((later.seconds or _LONGEST_TRAINING) + _START for later in GOALS[number + 1 :])
        settings = [*goal.settings, "--test-samples", "10000"]
        command = " ".join(["ctcbench run", *settings])
        folder = out / str(number)

        def figures(
            goal: Goal = goal, settings: list[str] = settings, kept: float = kept, folder: Path = folder
        ) -> str:
            runs: list[tuple[float, dict[str, Any]]] = []
            longest = 2 * (goal.seconds or _LONGEST_TRAINING) + 4 * _START
            failure = ""
            for seed in range(1 if report.dry else goal.seeds):
                if runs and report.seconds_left - max(seconds for seconds, _ in runs) < kept:
                    break
                flags = [*settings, "--seed", str(seed), "--out", str(folder / str(seed))]
                started = time.monotonic()
                try:
                    result = report.ctcbench("run", *flags, most_seconds=longest)
                except CtcbenchError as error:
                    failure = f"seed {seed}: {error}{_reached(folder / str(seed))}"
                    break
                runs.append((time.monotonic() - started, result))
            if not runs:
                raise CtcbenchError(failure)
            return _goal_figures(goal, runs) + (f"; {failure}" if failure else "")

        report.measure(goal.what, command, figures)


def _goal_figures(goal: Goal, runs: Sequence[tuple[float, dict[str, Any]]]) -> str:
    """Return the means over runs, each given by the seconds of its command and its result."""
    exact = statistics.fmean(result["score"]["exact"] for _, result in runs)
    seconds = statistics.fmean(result["cost"]["train_seconds"] for _, result in runs)
    captures = statistics.fmean(result["provenance"]["training"]["capture_seconds"] for _, result in runs)
    overhead = statistics.fmean(wall for wall, _ in runs) - seconds
    met = exact >= goal.exact and (goal.seconds is None or seconds <= goal.seconds)
    in_time = _word(overhead <= OVERHEAD_GOAL)
    return (
        f"{_word(met)}: {percent(exact)} after {seconds:.2f} s of training; capture and compilation "
        f"{captures:.2f} s; from the command to the table {overhead:.1f} s more than the training (goal: "
        f"{OVERHEAD_GOAL:g} s, {in_time}); means of {len(runs)} of {goal.seeds} seeds"
    )


def _reached(out: Path) -> str:
    """Return the last validation of a run that was stopped, an empty text if there is none."""
    rows = [json.loads(line) for path in out.glob("*/metrics.jsonl") for line in path.open()]
    row = next((row for row in reversed(rows) if row["kind"] == "epoch"), None)
    if row is None:
        return ""
    return (
        f", after {row['seconds']:.0f} s of training, {row['step']} of {row['steps']} steps, with "
        f"{percent(row['val_exact'])} of the validation images"
    )


def report_seeds(report: GpuReport) -> None:
    """Add the time of ten seeds in one process beside that of one, and whether that is the goal."""
    executor = "local:workers=1,together=10"
    command = ["bench", "seeds", "--preset", "fast", "--seeds", "10", "--rounds", "1", "--executor", executor]

    def figures() -> str:
        found = report.ctcbench(*command, miniature=["--seeds", "2"], most_seconds=_LONGEST_SEEDS)
        found = found["executors"][executor]
        ratio = found["of_one_seed"]
        return (
            f"{_word(ratio <= SEEDS_GOAL)}: {found['seconds']:.1f} s, {ratio:.2f} times one "
            f"seed (goal: {SEEDS_GOAL}); training alone {found['training_seconds']:.2f} s, "
            f"{found['training_of_one_seed']:.2f} times; captures {found['capture_seconds']:.1f} s"
        )

    report.measure("ten seeds of fast beside one", " ".join(["ctcbench", *command]), figures)


def report_processes(report: GpuReport, out: Path) -> None:
    """Add a training by two processes over NCCL, where there are two devices."""
    flags = ["--preset", "fast", "--train-samples", "20000", "--out", str(out / "processes")]
    command = "torchrun --nproc-per-node 2 -m ctcbench run --preset fast --train-samples 20000"

    def figures() -> str:
        if not report.dry and torch.cuda.device_count() < 2:
            raise CtcbenchError("there is one GPU")
        launcher = ["torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "ctcbench", "run"]
        device = MINIATURE if report.dry else ON_GPU
        result = json.loads(report.run([*launcher, *flags, *device, "--json"]))
        return f"{percent(result['score']['exact'])}, {result['cost']['images_per_second']:,.0f} images/s"

    report.measure("two processes", command, figures)


def report_tests(report: GpuReport) -> None:
    """Add the last line of the tests that need a GPU; they exist in a checkout only."""
    folder = Path("tests/gpu")
    # A line for each test, so that the last one of a suite that is stopped names the test that hung.
    arguments = ["pytest", "-v", "-m", "gpu", *(["--collect-only"] if report.dry else []), str(folder)]

    def figures() -> str:
        if not folder.is_dir():
            raise CtcbenchError(f"no folder {folder}: run this in a checkout")
        # torch writes warnings to standard error; pytest's last line is the number of failures.
        out = report.run(arguments, most_seconds=_LONGEST_TESTS, explained_on="stdout")
        return out.strip().splitlines()[-1].strip("= ")

    report.measure("tests of the GPU", "make test-gpu", figures)


def report_recurrent(report: GpuReport) -> None:
    """Add the time of a recurrent head's step by number format."""
    arguments = ["ctcbench.benchmarks.recurrent_precision", *(["--dry-run"] if report.dry else [])]

    def figures() -> str:
        found = json.loads(report.run(arguments))
        return "; ".join(
            f"{name}: {value:.2f} ms" if isinstance(value, float) else f"{name}: {value}"
            for name, value in found.items()
        )

    report.measure("bilstm2, a step of 512 images", " ".join(["python -m", *arguments]), figures)


def report_drawing(report: GpuReport) -> None:
    """Add the time of a run whose images are drawn before and during its training."""
    command = ["bench", "drawing", "--preset", "fast-gpu", "--train-samples", "50000", "--rounds", "2"]

    def figures() -> str:
        found = report.ctcbench(*command)
        before, during = (found[name]["median"] for name in ("before", "during"))
        return f"drawn before the training: {before:.1f} s, during it: {during:.1f} s"

    report.measure("fast-gpu on 50,000 new images", " ".join(["ctcbench", *command]), figures)


# The goals last, as they take all the time that is left.
PARTS: dict[str, Callable[[GpuReport, Path], None]] = {
    "steps": lambda report, _: report_steps(report),
    "tests": lambda report, _: report_tests(report),
    "recurrent": lambda report, _: report_recurrent(report),
    "seeds": lambda report, _: report_seeds(report),
    "drawing": lambda report, _: report_drawing(report),
    "processes": report_processes,
    "goals": report_goals,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print the table, and return the exit code."""
    parser = argparse.ArgumentParser(prog="gpu_report", description=__doc__.partition("\n")[0])
    parser.add_argument("--dry-run", action="store_true", help="run every command in miniature on a CPU")
    parser.add_argument("--minutes", type=float, default=_MINUTES, help="time limit (default: 8)")
    parser.add_argument("--out", type=Path, help="file that receives the table as well")
    parser.add_argument(
        "--skip", action="append", default=[], choices=PARTS, help="leave a part out; may be repeated"
    )
    given = parser.parse_args(arguments)
    if not given.dry_run and not torch.cuda.is_available():
        print(
            "gpu_report: no CUDA device is available; --dry-run tries the commands on a CPU", file=sys.stderr
        )
        return 2
    os.environ.setdefault("OMP_NUM_THREADS", str(min(16, os.cpu_count() or 1)))
    report = GpuReport(given.dry_run, given.out, time.monotonic() + 60 * given.minutes)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        for name, part in PARTS.items():
            if name not in given.skip:
                part(report, Path(folder))
    print(report.table(), end="")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
