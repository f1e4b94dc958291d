"""EntryList: the entries of a data set while its index is made, as bytes."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from typing import Generic, TypeVar, overload

from ctcbench.builtin.picture_sets.entry import Entry

E = TypeVar("E", bound=Entry)
# Bytes that UTF-8 never has: the end of a text, and a text that is None.
_END, _NONE = b"\xff", b"\xfe"


class EntryList(Sequence[E], Generic[E]):
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

    @overload
    def __getitem__(self, index: int) -> E: ...
    @overload
    def __getitem__(self, index: slice) -> list[E]: ...
    def __getitem__(self, index: int | slice) -> E | list[E]:
        if isinstance(index, slice):
            return [self[at] for at in range(len(self))[index]]
        shared = self._shared[self.places[index]]
        return unpack(self.kind, self.record(index), shared)

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

    def names(self) -> Iterator[str]:
        """Yield the name of each entry."""
        return (name_of(self.record(index)) for index in range(len(self)))

    def texts(self) -> Iterator[str | None]:
        """Yield the label of each entry, None if it has none."""
        return (text_of(self.record(index)) for index in range(len(self)))

    def groups(self) -> Iterator[str]:
        """Yield the group of each entry, an empty text if it has none."""
        return (_decoded(self.record(index).split(_END, 4)[3]) or "" for index in range(len(self)))

    @property
    def _shared(self) -> Sequence[tuple[str, ...]]:
        # Keys in the order of their numbers; made anew only when there are new ones.
        if len(self._listed) != len(self.shared):
            self._listed = list(self.shared)
        return self._listed

    _listed: Sequence[tuple[str, ...]] = ()


def pack(entry: Entry) -> tuple[tuple[str, ...], bytes]:
    """Return the texts that an entry has in common with others, and the rest of it as bytes."""
    shared, own = entry.packed()
    texts = (entry.name, entry.text, entry.reason, entry.group, *own)
    # Names of files may hold surrogates, and the reason of a sample quotes them.
    return shared, _END.join(_NONE if text is None else text.encode(errors="surrogatepass") for text in texts)


def unpack(kind: type[E], record: bytes, shared: Sequence[str]) -> E:
    """Return the entry of `pack`.

    Raises:
        ValueError: the bytes are not what `pack` returns.
    """
    name, text, reason, group, *own = record.split(_END)
    if len(own) != kind.num_own or len(shared) != kind.num_shared or _NONE in (name, reason, *own):
        raise ValueError("it has another number of texts")
    return kind.unpacked(
        shared,
        [part.decode(errors="surrogatepass") for part in own],
        name=name.decode(errors="surrogatepass"),
        text=_decoded(text),
        reason=reason.decode(errors="surrogatepass"),
        group=_decoded(group),
    )


def name_of(record: bytes) -> str:
    """Return the name in the bytes of an entry."""
    return record.split(_END, 1)[0].decode(errors="surrogatepass")


def text_of(record: bytes) -> str | None:
    """Return the label in the bytes of an entry, None if it has none."""
    return _decoded(record.split(_END, 2)[1])


def drawn_part(record: bytes) -> bytes:
    """Return the bytes of an entry that decide its sample: name, label and the reason why it has none."""
    return _END.join(record.split(_END, 3)[:3])


def _decoded(part: bytes) -> str | None:
    return None if part == _NONE else part.decode(errors="surrogatepass")
