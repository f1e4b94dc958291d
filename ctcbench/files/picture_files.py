"""The files of pictures below a folder."""

from __future__ import annotations

import os
import re
from collections.abc import Collection
from pathlib import Path

from ctcbench.contract.errors import UsageError
from ctcbench.files.other_formats import UNREAD_SUFFIXES
from ctcbench.files.picture_formats import SUFFIXES


def pictures_below(folder: Path) -> list[Path]:
    """Return the files below a folder that have the suffix of a format that is read, in natural order.

    Hidden files and folders, and linked folders, are left out.

    Raises:
        UsageError: a folder can't be read.
    """
    return _with_suffix(folder, SUFFIXES)


def unread_pictures_below(folder: Path) -> list[Path]:
    """Return the files below a folder that have the suffix of a format of pictures that is not read."""
    return _with_suffix(folder, UNREAD_SUFFIXES)


def _with_suffix(folder: Path, suffixes: Collection[str]) -> list[Path]:
    found = []
    for place, folders, files in os.walk(folder, onerror=_refuse):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [
            Path(place, name)
            for name in files
            if not name.startswith(".") and Path(name).suffix.lower() in suffixes
        ]
    return sorted(found, key=lambda path: natural_order(str(path)))


def natural_order(text: str) -> list[tuple[int, str]]:
    """Return a key that sorts ``x9`` before ``x10``."""
    return [(int(part), "") if part.isdecimal() else (0, part) for part in re.split(r"(\d+)", text)]


def _refuse(error: OSError) -> None:
    raise UsageError(f"{error.filename}: can't be read ({error.strerror})")
