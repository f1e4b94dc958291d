"""The files of pictures below a folder."""

from __future__ import annotations

import os
import re
from pathlib import Path

from ctcbench.contract.errors import UsageError
from ctcbench.files.picture_formats import SUFFIXES


def pictures_below(folder: Path) -> list[Path]:
    """Return the files below a folder that have the suffix of a format that is read, in natural order.

    Hidden files and folders, and linked folders, are left out.

    Raises:
        UsageError: a folder can't be read.
    """
    found = []
    for place, folders, files in os.walk(folder, onerror=_refuse):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [
            Path(place, name)
            for name in files
            if not name.startswith(".") and Path(name).suffix.lower() in SUFFIXES
        ]
    return sorted(found, key=lambda path: natural_order(str(path)))


def natural_order(text: str) -> list[tuple[int, str]]:
    """Return a key that sorts ``x9`` before ``x10``."""
    return [(int(part), "") if part.isdecimal() else (0, part) for part in re.split(r"(\d+)", text)]


def _refuse(error: OSError) -> None:
    raise UsageError(f"{error.filename}: can't be read ({error.strerror})")
