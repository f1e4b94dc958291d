"""ByteRows: many short pieces of bytes in two arrays, in memory or mapped from files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from ctcbench.files.array_files import write_array

# For type checkers alone: `ctcbench --help` must not import numpy.
if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class ByteRows:
    """Rows of bytes, one after the other, without an object for each.

    Attributes:
        content: uint8, all rows.
        bounds: int64, where each row begins in ``content``, and after the last one where it ends.
    """

    def __init__(self, content: NDArray[np.uint8], bounds: NDArray[np.int64]) -> None:
        self.content, self.bounds = content, bounds
        # Slices of an array are arrays, which take longer to make.
        self._view = content.data

    @classmethod
    def of(cls, rows: Iterable[bytes]) -> Self:
        """Return rows in memory."""
        import numpy as np

        content = bytearray()
        ends = np.fromiter(_ends(rows, content), np.int64)
        bounds = np.concatenate([np.zeros(1, np.int64), ends])
        return cls(np.frombuffer(content, np.uint8), bounds)

    def __len__(self) -> int:
        return len(self.bounds) - 1

    def row(self, index: int) -> bytes:
        """Return the bytes of a row; a negative index counts from the end.

        Raises:
            IndexError: there is no such row.
        """
        at = range(len(self))[index]
        return bytes(self._view[self.bounds[at] : self.bounds[at + 1]])

    def rows(self) -> Iterator[bytes]:
        """Yield the bytes of each row."""
        bounds = self.bounds.data  # its elements are plain numbers, which take less time to make
        return (bytes(self._view[bounds[at] : bounds[at + 1]]) for at in range(len(self)))

    def part(self, start: int, stop: int) -> Self:
        """Return the rows from `start` to before `stop`, which share the memory of these."""
        first, last = int(self.bounds[start]), int(self.bounds[stop])
        return type(self)(self.content[first:last], self.bounds[start : stop + 1] - first)

    def save(self, folder: Path, name: str) -> None:
        """Write the arrays to the files ``NAME.npy`` and ``NAME_bounds.npy``.

        Raises:
            OSError: they can't be written.
        """
        write_array(folder / f"{name}.npy", self.content)
        write_array(folder / f"{name}_bounds.npy", self.bounds.astype("<i8", copy=False))

    @classmethod
    def open(cls, folder: Path, name: str) -> Self:
        """Return the rows in the files that `save` wrote, mapped into memory read-only.

        Raises:
            OSError: a file can't be read.
            ValueError: a file is cut off or damaged, or does not fit the other.
        """
        content = map_array(folder / f"{name}.npy", "|u1")
        bounds = map_array(folder / f"{name}_bounds.npy", "<i8")
        # All of them: a position beyond the end would be found only in the middle of a training.
        if not len(bounds) or bounds[0] or bounds[-1] != len(content) or (bounds[1:] < bounds[:-1]).any():
            raise ValueError(f"{name}_bounds.npy does not fit {name}.npy")
        return cls(content, bounds)


def map_array(path: Path, kind: str) -> NDArray[Any]:
    """Return the array of one axis in an ``.npy`` file, mapped into memory read-only.

    Args:
        path: the file.
        kind: the type of its values: ``<i8``.

    Raises:
        OSError: it can't be read.
        ValueError: it is cut off or damaged, or holds something else.
    """
    import numpy as np

    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except EOFError as error:
        raise ValueError(f"{path.name} is empty") from error
    if array.ndim != 1 or array.dtype != np.dtype(kind):
        raise ValueError(f"{path.name} is {array.dtype} {array.shape}")
    # Not numpy's own class for mapped arrays, each slice of which takes ten times as long to make.
    return np.asarray(array)


def _ends(rows: Iterable[bytes], content: bytearray) -> Iterator[int]:
    for row in rows:
        content += row
        yield len(content)
