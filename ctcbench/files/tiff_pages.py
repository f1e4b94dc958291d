"""has_several_pages(): whether a TIFF file has pages after the first."""

from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import BinaryIO

from ctcbench.files.plain_files import why_not_plain

_NEW_SUBFILE_TYPE = 254  # the tag (TIFF 6.0, page 36) whose lowest bit marks a smaller copy of another page
_SMALLER_COPY = 1


def has_several_pages(picture: Path | bytes) -> bool:
    """Return whether a picture is a TIFF with a second page that is not a smaller copy of the first.

    A file that can't be read, is damaged or is a BigTIFF has none, and neither has a pipe or a device.

    Args:
        picture: a file, or the content of one.
    """
    # Opening a pipe would wait for its data.
    if isinstance(picture, Path) and why_not_plain(picture):
        return False
    try:
        with io.BytesIO(picture) if isinstance(picture, bytes) else picture.open("rb") as file:
            return _has_second_page(file)
    except (OSError, ValueError, struct.error):
        return False


def _has_second_page(file: BinaryIO) -> bool:
    head = file.read(8)
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(head[:4])
    if order is None:
        return False
    _, second = _read_directory(file, order, struct.unpack(f"{order}I", head[4:])[0])
    if not second:
        return False
    kind, _ = _read_directory(file, order, second)
    return not kind & _SMALLER_COPY


def _read_directory(file: BinaryIO, order: str, place: int) -> tuple[int, int]:
    """Return the kind of the page whose directory is at a place, and the place of the next directory."""
    file.seek(place)
    (count,) = struct.unpack(f"{order}H", file.read(2))
    entries = file.read(12 * count)
    kinds = [
        value for tag, _, _, value in struct.iter_unpack(f"{order}HHII", entries) if tag == _NEW_SUBFILE_TYPE
    ]
    (following,) = struct.unpack(f"{order}I", file.read(4))
    return (kinds[0] if kinds else 0), following
