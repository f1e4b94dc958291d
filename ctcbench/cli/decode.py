"""`ctcbench decode`: another decoder on a run's stored log-probs; torch stays out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ctcbench.cli.completion import complete_component
from ctcbench.cli.installed import registry
from ctcbench.cli.run import print_json, print_report
from ctcbench.cli.stored import the_run
from ctcbench.contract.errors import UsageError


def decode(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="a run folder")],
    decoder: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="name or name:option=value (`ctcbench run --help` lists them)",
            autocompletion=complete_component("decoder"),
        ),
    ],
    as_json: Annotated[
        bool, typer.Option("--json", help="print the result as JSON and nothing else")
    ] = False,
) -> None:
    """Read a run's stored log-probs with another decoder, without retraining."""
    folder = the_run(run)
    if not folder.is_finished or not folder.log_probs_path("test").is_file():
        raise UsageError(f"{run}: this run is not finished, so it has no log-probs yet")
    installed = registry()
    decoder = installed.resolve("decoder", decoder)
    from ctcbench.decode import decode_run

    with folder.lock("writing in this run folder"):
        result = decode_run(installed, folder, decoder)
    if as_json:
        print_json(result)
    else:
        print_report(result, folder.path)
