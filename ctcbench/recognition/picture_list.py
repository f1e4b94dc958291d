"""Checks of the pictures that a caller in Python passes, and errors that name one of them."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any, TypeVar

from ctcbench.contract.data import Sample
from ctcbench.contract.errors import BadSample, UsageError

T = TypeVar("T")


def require_pictures(images: Any) -> None:
    """Check that pictures come in an iterable.

    Raises:
        UsageError: it is a single picture, or something else.
    """
    if hasattr(images, "__array__"):
        raise UsageError("pictures come in a list: [array] for one array, list(array) for a batch of them")
    # An open file is iterable too: its lines are not pictures.
    single = isinstance(images, str | bytes | bytearray | memoryview | os.PathLike | Sample) or hasattr(
        images, "read"
    )
    if single or not isinstance(images, Iterable):
        raise UsageError(f"pictures come in a list, not as {type(images).__name__}: [picture] for one")


def list_pictures(images: Any) -> list[Any]:
    """Return pictures as a list.

    Raises:
        UsageError: as `require_pictures`.
    """
    require_pictures(images)
    return list(images)


def require_readable(index: int, picture: Any, outcome: T | BadSample) -> T:
    """Return the outcome of a picture.

    Raises:
        BadSample: the outcome is one; the message begins with the path or the index of the picture.
    """
    if not isinstance(outcome, BadSample):
        return outcome
    name = picture if isinstance(picture, str | os.PathLike) else getattr(picture, "name", None)
    shown = os.fspath(name) if isinstance(name, str | os.PathLike) else f"picture {index}"
    raise BadSample(f"{shown}: {outcome}") from None
