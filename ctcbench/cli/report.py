"""`ctcbench report`: stored results, one row each."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from ctcbench.cli.completion import complete_choice, one_of
from ctcbench.cli.errors import FAILED, one_line
from ctcbench.cli.installed import registry
from ctcbench.contract.errors import UsageError
from ctcbench.reporting import results_table
from ctcbench.reporting.results_table import Row
from ctcbench.results.run_folder import find_runs

FORMATS = ("table", "md", "csv", "json")


def report(
    runs: Annotated[list[Path], typer.Argument(metavar="RUNS…", help="run folders, or folders of runs")],
    form: Annotated[
        str,
        typer.Option(
            "--format",
            metavar="table|md|csv|json",
            help="how the rows are written",
            autocompletion=complete_choice(FORMATS),
        ),
    ] = "table",
) -> None:
    """Report stored results, one row each; damaged ones are named and the others still reported."""
    one_of("--format", form, FORMATS)
    rows, problems = _collect(runs)
    for problem in problems:
        print(f"ctcbench report: {one_line(problem)}", file=sys.stderr)
    if not rows and problems and form == "table":
        raise typer.Exit(FAILED)
    if not rows and not problems:
        raise UsageError(f"{', '.join(map(str, runs))}: no results there; `ctcbench run --out …` makes some")
    columns = registry().columns()
    if form == "table":
        console = Console(highlight=False)
        console.print(results_table.results_table(rows, columns, wide=console.width >= 110))
    elif form == "json":
        typer.echo(results_table.to_json(rows), nl=False)
    else:
        write = results_table.to_markdown if form == "md" else results_table.to_csv
        typer.echo(write(rows, columns), nl=False)
    if problems:
        raise typer.Exit(FAILED)


def _collect(runs: list[Path]) -> tuple[list[Row], list[str]]:
    rows: list[Row] = []
    problems: list[str] = []
    for folder in dict.fromkeys(found for out in runs for found in find_runs(out)):
        results, damaged = folder.results()
        rows += [Row(folder.path, result) for result in results]
        problems += damaged
    return rows, problems
