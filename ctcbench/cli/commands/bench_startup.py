"""`ctcbench bench startup`: time that the program takes to start, as a ratio to Python alone."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from typing import Annotated, Any

import typer
from rich.table import Table

from ctcbench.cli.output import output_console, print_json
from ctcbench.cli.quartiles import quartiles
from ctcbench.cli.shared_flags import AsJson
from ctcbench.contract.errors import CtcbenchError

# Not the command `ctcbench`, which may belong to another environment than this interpreter.
_PROGRAM = [sys.executable, "-m", "ctcbench"]
_BARE = "python -c pass"


def startup(
    rounds: Annotated[
        int, typer.Option(metavar="N", min=3, help="rounds; each runs every command once")
    ] = 15,
    as_json: AsJson = False,
) -> None:
    """Measure how long --help takes, as a ratio to the start of Python alone."""
    milliseconds = _measure(rounds)
    bare = statistics.median(milliseconds[_BARE])
    figures: dict[str, dict[str, float]] = {}
    for name, values in milliseconds.items():
        median = statistics.median(values)
        low, high = quartiles(values)
        figures[name] = {
            "median_ms": round(median, 2),
            "quartile_low_ms": round(low, 2),
            "quartile_high_ms": round(high, 2),
            "ratio": round(median / bare, 2),
        }
    if as_json:
        document = {"rounds": rounds, "python": sys.version, "editable_install": _editable()}
        print_json(document | {"commands": figures})
    else:
        _print(figures, rounds)


def _measure(rounds: int) -> dict[str, list[float]]:
    """Return the milliseconds of each command; rounds are interleaved, so that a disturbance hits all."""
    commands = {
        _BARE: [sys.executable, "-c", "pass"],
        "ctcbench --help": [*_PROGRAM, "--help"],
        "ctcbench run --help": [*_PROGRAM, "run", "--help"],
    }
    for command in commands.values():
        _time(command)  # the first call fills the operating system's file cache, and is not counted
    times: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            times[name].append(_time(command))
    return times


def _time(command: list[str]) -> float:
    """Return how many milliseconds a command takes."""
    started = time.perf_counter()
    # Output is captured, because writing it to a terminal would take part of the time.
    ended = subprocess.run(command, capture_output=True, check=False)
    elapsed = (time.perf_counter() - started) * 1000
    if ended.returncode:
        raise CtcbenchError(f"{' '.join(command)} failed: {ended.stderr.decode(errors='replace').strip()}")
    return elapsed


def _print(figures: dict[str, dict[str, Any]], rounds: int) -> None:
    table = Table(title=f"{rounds} interleaved rounds, Python {sys.version.split()[0]}", title_justify="left")
    for header in ("command", "median", "quartiles", "× python -c pass"):
        table.add_column(header, justify="left" if header == "command" else "right")
    for name, figure in figures.items():
        spread = f"{figure['quartile_low_ms']:.1f} – {figure['quartile_high_ms']:.1f} ms"
        table.add_row(name, f"{figure['median_ms']:.1f} ms", spread, f"{figure['ratio']:.1f}")
    console = output_console()
    console.print(table)
    if _editable():
        console.print(
            "This is an editable install. Its import hook slows down python -c pass as well, so the ratios "
            "are too low: measure an ordinary install for figures to publish."
        )


def _editable() -> bool:
    """Return True if the import hook of an editable install ran when Python started."""
    return any(name.startswith("__editable__") for name in sys.modules)
