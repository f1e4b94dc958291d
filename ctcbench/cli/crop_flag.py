"""The flag `--crops` of commands that read pictures."""

from __future__ import annotations

from typing import Annotated

import typer

from ctcbench.contract.errors import UsageError

Crops = Annotated[
    str | None,
    typer.Option(
        metavar="X,X,…",
        help="read each picture once for each of these shares of its rows, cut off at the top and at the "
        "bottom, and choose the text by all readings: 0,0.1,0.2 (default: the crop of the recogniser)",
    ),
]


def chosen_crops(text: str | None) -> tuple[float, ...] | None:
    """Return the crops that were typed; None: those of the recogniser.

    Raises:
        UsageError: a crop is no number. `read_crops` checks the numbers.
    """
    if text is None:
        return None
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise UsageError(f"--crops {text}: expected shares separated by commas, such as 0,0.1,0.2") from None
