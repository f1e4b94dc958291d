"""The file ``images.npy`` of a set while it is drawn: rows of one width, or images of their own widths."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

_CHUNK = 1 << 20  # bytes copied at a time


def create_images(path: Path, count: int, shape: Sequence[int]) -> int:
    """Create the file for `count` images of `shape` (C, H, W); return the offset of the pixels in bytes.

    Raises:
        OSError: the disk is full.
    """
    with path.open("wb") as file:
        offset = _write_header(file, (count, *shape))
        size = count * int(np.prod(shape, dtype=np.int64))
        # Reserved at once, so that a full disk is an error here and not in the middle of the drawing.
        if size and hasattr(os, "posix_fallocate"):
            os.posix_fallocate(file.fileno(), 0, offset + size)
        else:
            file.truncate(offset + size)
    return offset


def join_images(images: Path, parts: Sequence[Path], size: int) -> int:
    """Write the images of several files of pixels, `size` bytes in all; return the offset of the pixels."""
    with images.open("wb") as target:
        offset = _write_header(target, (size,))
        for part in parts:
            with part.open("rb") as source:
                shutil.copyfileobj(source, target, _CHUNK)
            part.unlink()  # at once, so that the pixels are on the disk hardly more than once
        assert target.tell() == offset + size, "the files have the pixels of all samples that were reported"
    return offset


def keep_rows(images: Path, offset: int, shape: Sequence[int], rows_M: NDArray[np.integer]) -> int:
    """Rewrite the images with some rows alone; return the new offset of the pixels."""
    # Into a new file, because the header at the start of the file states the shape.
    row_bytes = int(np.prod(shape))
    kept = images.with_name("kept.npy")
    with images.open("rb") as source, kept.open("wb") as target:
        start = _write_header(target, (len(rows_M), *shape))
        for row in rows_M.data:
            source.seek(offset + row * row_bytes)
            target.write(source.read(row_bytes))
    kept.replace(images)
    return start


def _write_header(file: BinaryIO, shape: Sequence[int]) -> int:
    """Write the header of an array of uint8; return where its values begin."""
    np.lib.format.write_array_header_1_0(
        file, {"descr": "|u1", "fortran_order": False, "shape": tuple(shape)}
    )
    file.flush()
    return file.tell()
