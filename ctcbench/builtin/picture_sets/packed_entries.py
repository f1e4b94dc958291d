"""PackedEntries: a sequence of entries as bytes, and the form of these bytes."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from typing import Generic, TypeVar, overload

from ctcbench.builtin.picture_sets.entry import Entry
from ctcbench.contract.errors import CtcbenchError

E = TypeVar("E", bound=Entry)
# Bytes that UTF-8 never has: the end of a text, and a text that is None.
_END, _NONE = b"\xff", b"\xfe"


class PackedEntries(Sequence[E], Generic[E]):
    """Entries of one class as the bytes of `pack`; an object is made when one is asked for.

    Attributes:
        kind: the class of the entries.
    """

    kind: type[E]

    @abstractmethod
    def record(self, index: int) -> bytes:
        """Return the bytes of an entry."""

    @abstractmethod
    def records(self) -> Iterator[bytes]:
        """Yield the bytes of each entry."""

    @abstractmethod
    def shared_of(self, index: int) -> Sequence[str]:
        """Return the texts that an entry has in common with others."""

    @overload
    def __getitem__(self, index: int) -> E: ...
    @overload
    def __getitem__(self, index: slice) -> list[E]: ...
    def __getitem__(self, index: int | slice) -> E | list[E]:
        if isinstance(index, slice):
            return [self[at] for at in range(len(self))[index]]
        record, shared = self.record(index), self.shared_of(index)
        try:
            return unpack(self.kind, record, shared)
        except ValueError as error:
            raise CtcbenchError(f"entry {index} of the index is damaged ({error})") from error

    def names(self) -> Iterator[str]:
        """Yield the name of each entry."""
        return map(name_of, self.records())

    def texts(self) -> Iterator[str | None]:
        """Yield the label of each entry, None if it has none."""
        return map(text_of, self.records())

    def groups(self) -> Iterator[str]:
        """Yield the group of each entry, an empty text if it has none."""
        return map(group_of, self.records())


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


def group_of(record: bytes) -> str:
    """Return the group in the bytes of an entry, an empty text if it has none."""
    return _decoded(record.split(_END, 4)[3]) or ""


def drawn_part(record: bytes) -> bytes:
    """Return the bytes of an entry that decide its sample: name, label and the reason why it has none."""
    return _END.join(record.split(_END, 3)[:3])


def _decoded(part: bytes) -> str | None:
    return None if part == _NONE else part.decode(errors="surrogatepass")
