"""The run folder or the exported recogniser that a command line names, and the decoder that reads with it."""

from __future__ import annotations

import glob
from pathlib import Path
from typing import Annotated

import typer

from ctcbench.cli.completion import complete_component
from ctcbench.contract.errors import UsageError
from ctcbench.files.picture_formats import SUFFIXES
from ctcbench.results.run_folder import RunFolder

_PRINTED = "the run folder that `ctcbench run` printed"
RunOrModel = Annotated[
    Path, typer.Argument(metavar="RUN|MODEL.onnx", help="a run folder, or a file of `ctcbench export`")
]
OtherDecoder = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="name or name:option=value (default: the decoder of the run)",
        autocompletion=complete_component("decoder"),
    ),
]


def named_recogniser(path: Path) -> RunFolder | None:
    """Return the run folder at `path`, or None if it is a file, which then is an exported recogniser.

    Raises:
        UsageError: there is neither a run folder nor a file, or the file is a picture by its suffix.
    """
    if path.is_file():
        if path.suffix.lower() in SUFFIXES:
            raise UsageError(f"{path}: a picture, in place of the run folder or ONNX file, which comes first")
        if path.suffix.lower() != ".onnx" and RunFolder(path.parent).config_path.is_file():
            raise UsageError(f"{path}: a file of a run; give its folder, {path.parent}")
        return None
    if path.suffix.lower() == ".onnx" and not path.exists():
        raise UsageError(f"{path}: no such file; `ctcbench export RUN {path}` writes one")
    return named_run(path)


def named_run(folder: Path) -> RunFolder:
    """Return the run folder at `folder`.

    Raises:
        UsageError: `folder` does not exist, or is not a run folder; the message lists the runs inside it.
    """
    run = RunFolder(folder)
    if not folder.is_dir():
        kind = "is a file" if folder.is_file() else "no such folder"
        likely = _likely_runs(folder)
        remedy = f"did you mean {likely[0]}?" if len(likely) == 1 else f"give {_PRINTED}"
        raise UsageError(f"{folder}: {kind}; {remedy}")
    if not run.has(run.config_path):
        # A likely mistake: the folder given to --out, which contains the run folders.
        inside = sorted(path.parent.name for path in folder.glob("*/config.toml"))
        hint = f"it contains the runs {', '.join(inside[:5])}" if inside else f"give {_PRINTED}"
        raise UsageError(f"{folder}: not a run folder (no config.toml); {hint}")
    return run


def _likely_runs(folder: Path) -> list[Path]:
    """Return the run folders whose names begin with that of a folder, beside it or in ``runs``."""
    places = dict.fromkeys((folder.parent, folder.parent / "runs"))
    return [
        config.parent
        for place in places
        for config in sorted(place.glob(f"{glob.escape(folder.name)}*/config.toml"))
    ]
