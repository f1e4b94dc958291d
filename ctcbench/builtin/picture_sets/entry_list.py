"""EntryList: the entries of a data set while its index is made, as bytes."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from typing import Generic, TypeVar

from ctcbench.builtin.picture_sets.entry import Entry
from ctcbench.builtin.picture_sets.packed_entries import PackedEntries, pack

E = TypeVar("E", bound=Entry)


class EntryList(PackedEntries[E], Generic[E]):
    """A list of entries of one class that holds their bytes, 30 to 80 for each, and no object for each.

    Attributes:
        kind: the class of the entries.
        shared: the texts that many entries have in common, with their number.
    """

    def __init__(self, kind: type[E], entries: Iterable[E] = ()) -> None:
        self.kind = kind
        self.shared: dict[tuple[str, ...], int] = {}
        self._content = bytearray()
        self._starts, self._sizes, self.places = array("q"), array("I"), array("i")
        for entry in entries:
            self.append(entry)

    def append(self, entry: E) -> None:
        """Add an entry at the end."""
        self._starts.append(0)
        self._sizes.append(0)
        self.places.append(0)
        self[len(self) - 1] = entry

    def __len__(self) -> int:
        return len(self._starts)

    def __setitem__(self, index: int, entry: E) -> None:
        shared, record = pack(entry)
        # The bytes of an entry that is replaced stay: few are.
        self._starts[index], self._sizes[index] = len(self._content), len(record)
        self._content += record
        self.places[index] = self.shared.setdefault(shared, len(self.shared))

    def record(self, index: int) -> bytes:
        """Return the bytes of an entry."""
        start = self._starts[index]
        return bytes(self._content[start : start + self._sizes[index]])

    def records(self) -> Iterator[bytes]:
        """Yield the bytes of each entry."""
        return map(self.record, range(len(self)))

    def shared_of(self, index: int) -> Sequence[str]:
        """Return the texts that an entry has in common with others."""
        # Keys in the order of their numbers; made anew only when there are new ones.
        if len(self._listed) != len(self.shared):
            self._listed = list(self.shared)
        return self._listed[self.places[index]]

    _listed: Sequence[tuple[str, ...]] = ()
