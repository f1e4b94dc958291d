"""`ctcbench decode`: decodes a run's stored log-probabilities with another decoder. Imports no torch."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from ctcbench.cli.completion import complete_component
from ctcbench.cli.installed_plugins import registry
from ctcbench.cli.output import print_json
from ctcbench.cli.result_output import print_report
from ctcbench.cli.run_folder_argument import named_run
from ctcbench.cli.shared_flags import AsJson
from ctcbench.files.text import one_line


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
    as_json: AsJson = False,
) -> None:
    """Decode a run's stored log-probabilities with another decoder, without retraining."""
    folder = named_run(run)
    # Imports numpy, after a mistyped folder was reported.
    from ctcbench.pipeline.decoding_stage import decode_stored

    result = decode_stored(registry(), run, decoder, lambda text: print(one_line(text), file=sys.stderr))
    if as_json:
        print_json(result.to_json())
    else:
        print_report(result, folder.path)
