"""Arrays in files of numpy's format, written such that a full disk is an error."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

# For type checkers alone: `ctcbench --help` must not import numpy.
if TYPE_CHECKING:
    from numpy.typing import NDArray


def write_array(path: Path, array: NDArray[Any]) -> None:
    """Write an array to a file (``.npy``, version 1.0), which is replaced.

    Raises:
        OSError: the file can't be written, or the disk is full.
    """
    import numpy as np

    array = np.asarray(array, order="C")
    with path.open("wb") as file:
        header = np.lib.format.header_data_from_array_1_0(array)
        np.lib.format.write_array_header_1_0(file, header)
        # Not np.save: it writes through a buffer of its own, and a disk that is full when that closes is
        # no error.
        file.write(array.tobytes())
