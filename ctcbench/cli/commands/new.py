"""`ctcbench new`: writes a plugin package that can be installed and passes its tests."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, get_args

import typer

from ctcbench.cli.completion import complete_choice
from ctcbench.cli.installed_plugins import registry
from ctcbench.cli.output import print_line
from ctcbench.files.shell_words import quote_word
from ctcbench.scaffold import Package, ScaffoldKind, parse_kind, write

_KINDS = get_args(ScaffoldKind)
# Settings with which a run takes seconds, to see that the new component works.
_SHORT = "--train-samples 64 --val-samples 16 --test-samples 16 --max-steps 3"


def new(
    kind: Annotated[
        str,
        typer.Argument(
            metavar="KIND",
            help=f"kind of component: {', '.join(_KINDS)}",
            autocompletion=complete_choice(_KINDS),
        ),
    ],
    name: Annotated[str, typer.Argument(metavar="NAME", help="name of the component")],
    into: Annotated[
        Path, typer.Option(metavar="FOLDER", help="folder in which the package is created")
    ] = Path(),
) -> None:
    """Write a plugin package with a working component, its tests and a README."""
    package = Package(parse_kind(kind), name)
    folder = write(package, into, registry())
    for path in sorted(package.render()):
        print_line(folder / path)
    usage = f"ctcbench data preview {name}" if kind == "dataset" else f"ctcbench run --{kind} {name} {_SHORT}"
    # Quoted, so that the line can be pasted into a shell whatever the folder is called.
    typed = quote_word(str(folder))
    tests = quote_word(f"{folder}[test]")
    print_line(f"\nnext: pip install -e {tests} && python -m pytest {typed} && {usage}")
