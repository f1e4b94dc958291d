"""EntryIndex: the entries of a split in their order, as arrays that several processes map from one file."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

from ctcbench.builtin.picture_sets.entry import Entry
from ctcbench.builtin.picture_sets.entry_list import EntryList
from ctcbench.builtin.picture_sets.packed_entries import PackedEntries
from ctcbench.files.array_files import write_array
from ctcbench.files.byte_rows import ByteRows, map_array

# For type checkers alone: `ctcbench --help` must not import numpy.
if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

E = TypeVar("E", bound=Entry)
_FILE, _PLACES = "entries", "places.npy"


class EntryIndex(PackedEntries[E], Generic[E]):
    """Entries that do not change.

    Attributes:
        kind: the class of the entries.
        rows: the bytes of each.
        places_N: int32, which of ``shared`` each has.
        shared: the texts that many entries have in common.
    """

    def __init__(
        self, kind: type[E], rows: ByteRows, places_N: NDArray[np.int32], shared: Sequence[tuple[str, ...]]
    ) -> None:
        self.kind, self.rows, self.places_N, self.shared = kind, rows, places_N, shared

    @classmethod
    def of(cls, entries: EntryList[E], order_N: NDArray[np.int64]) -> EntryIndex[E]:
        """Return the entries at these places of a list, in this order."""
        import numpy as np

        rows = ByteRows.of(map(entries.record, order_N.data))
        places_N = np.frombuffer(entries.places, np.int32)[order_N] if len(entries) else np.zeros(0, np.int32)
        # Only those that occur: the fingerprint of a split depends on its own files.
        used, places_N[:] = np.unique(places_N, return_inverse=True)
        listed = list(entries.shared)
        return cls(entries.kind, rows, places_N, [listed[place] for place in used])

    @classmethod
    def joined(cls, indices: Sequence[EntryIndex[E]]) -> EntryIndex[E]:
        """Return the entries of one index or more, one after the other."""
        import numpy as np

        if len(indices) == 1:
            return indices[0]
        entries = EntryList(indices[0].kind, itertools.chain.from_iterable(indices))
        return cls.of(entries, np.arange(len(entries)))

    def __len__(self) -> int:
        return len(self.rows)

    def record(self, index: int) -> bytes:
        """Return the bytes of an entry."""
        return self.rows.row(index)

    def records(self) -> Iterator[bytes]:
        """Yield the bytes of each entry."""
        return self.rows.rows()

    def shared_of(self, index: int) -> Sequence[str]:
        """Return the texts that an entry has in common with others."""
        return self.shared[int(self.places_N[index])]

    def save(self, folder: Path) -> None:
        """Write the arrays into a folder; ``kind`` and ``shared`` are not among them.

        Raises:
            OSError: it can't be written.
        """
        self.rows.save(folder, _FILE)
        write_array(folder / _PLACES, self.places_N.astype("<i4", copy=False))

    @classmethod
    def open(cls, kind: type[E], folder: Path, shared: Sequence[tuple[str, ...]]) -> EntryIndex[E]:
        """Return the entries that `save` wrote, mapped into memory read-only.

        Raises:
            OSError: a file can't be read.
            ValueError: a file is cut off or damaged, or does not fit the others.
        """
        rows, places_N = ByteRows.open(folder, _FILE), map_array(folder / _PLACES, "<i4")
        known_N = (places_N >= 0) & (places_N < len(shared))
        if len(places_N) != len(rows) or not known_N.all():
            raise ValueError(f"{_PLACES} does not fit {_FILE}.npy")
        return cls(kind, rows, places_N, shared)
