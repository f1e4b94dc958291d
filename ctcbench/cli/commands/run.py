"""`ctcbench run`: trains, decodes and scores one configuration, and prints the table."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from ctcbench.cli.installed_plugins import registry
from ctcbench.cli.setting_flags import with_settings
from ctcbench.config.run_config import RunConfig
from ctcbench.contract.errors import UsageError
from ctcbench.results.result import Result
from ctcbench.training.distributed.process_rank import read_process_rank

_STORED = "How it is carried out"
Out = Annotated[Path, typer.Option(metavar="FOLDER", help="where run folders go", rich_help_panel=_STORED)]
Resume = Annotated[
    bool,
    typer.Option("--resume", help="go on with the stopped run of these settings", rich_help_panel=_STORED),
]
Fresh = Annotated[
    bool,
    typer.Option(
        "--fresh", help="throw away a run of these settings and begin anew", rich_help_panel=_STORED
    ),
]
Workers = Annotated[
    int | None,
    typer.Option(
        metavar="N", min=1, help="processes that draw images (default: one a core)", rich_help_panel=_STORED
    ),
]
CheckpointSeconds = Annotated[
    float, typer.Option(metavar="X", min=0, help="time between checkpoints", rich_help_panel=_STORED)
]
Json = Annotated[
    bool, typer.Option("--json", help="print the result as JSON and nothing else", rich_help_panel=_STORED)
]


@with_settings
def run(
    config: RunConfig,
    *,
    ctx: typer.Context,
    out: Out = Path("runs"),
    resume: Resume = False,
    fresh: Fresh = False,
    workers: Workers = None,
    checkpoint_seconds: CheckpointSeconds = 60.0,
    as_json: Json = False,
) -> None:
    """Train, decode and score one configuration, and print the table."""
    if resume and fresh:
        raise UsageError("--resume and --fresh: one goes on with an earlier run, the other throws it away")
    from ctcbench.cli.progress import progress_listener
    from ctcbench.config.train_key import resolve, train_key
    from ctcbench.training.runtime import Runtime

    installed = registry()
    config = resolve(installed, config)  # what is mistyped shows before torch is imported
    with progress_listener() as listener:
        from ctcbench.pipeline.runner import run as carry_out

        runtime = Runtime(
            out=out,
            resume=resume,
            fresh=fresh,
            workers=workers,
            checkpoint_seconds=checkpoint_seconds,
            resume_command=_resume_command(ctx.obj),
            listener=listener,
        )
        result = carry_out(installed, config, runtime)
    if not read_process_rank().is_main:
        return
    if as_json:
        print_json(result)
    else:
        print_report(result, out / train_key(installed, config))


def _resume_command(arguments: list[str]) -> str:
    """Return what to type to go on with a run that was begun by these arguments."""
    kept = [word for word in arguments if word not in ("--resume", "--fresh")]
    command = shlex.join(["ctcbench", *kept, "--resume"])
    if (here := read_process_rank()).size == 1:
        return command
    machines = "" if here.size == here.local_size else f"--nnodes {here.size // here.local_size} … "
    return f"torchrun {machines}--nproc-per-node {here.local_size} -m {command}"


def print_json(result: Result) -> None:
    """Print a result as one JSON document."""
    typer.echo(json.dumps(result.to_json(), indent=2, ensure_ascii=False))


def print_report(result: Result, folder: Path) -> None:
    """Print the report of a result, with examples from the log-probs that its run folder holds."""
    from ctcbench.cli.run_folder_views import examples_of, other_decoders
    from ctcbench.cli.views.run_report import run_report

    installed = registry()
    console = Console(highlight=False)
    parts = run_report(
        result,
        folder,
        examples=examples_of(result, folder),
        columns=installed.columns(),
        other_decoders=other_decoders(installed, result),
    )
    for part in parts:
        console.print(part)
