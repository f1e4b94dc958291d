"""The flags that several commands have, each defined once; the flags of settings are in setting_flags.py."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

EXECUTION = "Execution"  # the panel of the help for flags that do not change a result

Out = Annotated[
    Path,
    typer.Option(metavar="FOLDER", help="folder that contains the run folders", rich_help_panel=EXECUTION),
]
Resume = Annotated[
    bool,
    typer.Option(
        "--resume",
        help="resume the stopped run of these settings (a study resumes by itself)",
        rich_help_panel=EXECUTION,
    ),
]
Fresh = Annotated[
    bool,
    typer.Option(
        "--fresh",
        help="delete an earlier run of these settings and start again",
        rich_help_panel=EXECUTION,
    ),
]
Workers = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        min=1,
        help="processes that draw images (default: one per core)",
        rich_help_panel=EXECUTION,
    ),
]
Budget = Annotated[
    str | None,
    typer.Option(
        metavar="TIME",
        help="duration of the training (90s, 2m, 1.5h): a few steps are timed, and the numbers of training "
        "images and epochs chosen accordingly",
        show_default=False,
        rich_help_panel=EXECUTION,
    ),
]
Graph = Annotated[
    bool | None,
    typer.Option(
        "--graph/--no-graph",
        help="capture the training step as a CUDA graph (default: on a CUDA device)",
        show_default=False,
        rich_help_panel=EXECUTION,
    ),
]
CheckpointSeconds = Annotated[
    float, typer.Option(metavar="X", min=0, help="seconds between checkpoints", rich_help_panel=EXECUTION)
]
AsJson = Annotated[
    bool,
    typer.Option("--json", help="print one JSON document on standard output and nothing else"),
]
