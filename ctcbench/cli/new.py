"""`ctcbench new`: writes a plugin package that installs and passes its own tests."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from ctcbench.cli.installed import registry
from ctcbench.scaffold import Package, ScaffoldKind, write


def new(
    kind: Annotated[
        ScaffoldKind,
        typer.Argument(metavar="augmentation|backbone|head|loss|decoder|dataset", help="what it adds"),
    ],
    name: Annotated[str, typer.Argument(metavar="NAME", help="as it will be typed in component strings")],
    into: Annotated[Path, typer.Option(metavar="FOLDER", help="where the package's folder goes")] = Path(),
) -> None:
    """Write a plugin package with a working component, its tests and a README."""
    package = Package(kind, name)
    folder = write(package, into, registry())
    for path in sorted(package.render()):
        typer.echo(folder / path)
    usage = f"ctcbench data preview {name}" if kind == "dataset" else f"ctcbench run --{kind} {name}"
    typed = shlex.quote(str(folder))
    typer.echo(f"\nnext: pip install -e {typed} && pytest {typed} && {usage}")
