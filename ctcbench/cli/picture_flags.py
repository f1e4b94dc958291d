"""The flags `--crops` and `--ground` of commands that read pictures."""

from __future__ import annotations

from typing import Annotated, cast, get_args

import typer

from ctcbench.cli.completion import complete_choice, require_choice
from ctcbench.contract.errors import UsageError
from ctcbench.contract.specs import Ground

_GROUNDS: tuple[str, ...] = get_args(Ground)
Crops = Annotated[
    str | None,
    typer.Option(
        metavar="X,X,…",
        help="read each picture once for each of these shares of its rows, cut off at the top and at the "
        "bottom, and choose the text by all readings: 0,0.1,0.2 (default: the crop of the recogniser)",
    ),
]

OtherGround = Annotated[
    str | None,
    typer.Option(
        "--ground",
        metavar="|".join(_GROUNDS),
        help="the colour that transparent pixels become; auto: black in pictures of which less than half is "
        "visible and that part is light, else white (default: as in the training)",
        autocompletion=complete_choice(_GROUNDS),
    ),
]


def chosen_ground(text: str | None) -> Ground | None:
    """Return the ground that was typed; None: that of the recogniser.

    Raises:
        UsageError: there is no such ground.
    """
    return None if text is None else cast("Ground", require_choice("--ground", text, _GROUNDS))


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
