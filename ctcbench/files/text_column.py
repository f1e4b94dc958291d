"""TextColumn: many texts as one array of bytes, in memory or mapped from files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import overload

from ctcbench.files.byte_rows import ByteRows


class TextColumn(Sequence[str]):
    """A sequence of texts that holds their bytes and no object for each; it equals a tuple of the same texts.

    A text is decoded each time that it is read.
    """

    def __init__(self, rows: ByteRows) -> None:
        self._rows = rows

    @classmethod
    def of(cls, texts: Iterable[str]) -> TextColumn:
        """Return texts in memory."""
        return cls(ByteRows.of(map(_encoded, texts)))

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> TextColumn: ...
    def __getitem__(self, index: int | slice) -> str | TextColumn:
        if not isinstance(index, slice):
            return _decoded(self._rows.row(index))
        start, stop, step = index.indices(len(self))
        if step != 1:
            return TextColumn.of(self[at] for at in range(start, stop, step))
        return TextColumn(self._rows.part(start, max(start, stop)))

    def __iter__(self) -> Iterator[str]:
        return map(_decoded, self._rows.rows())

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence) or isinstance(other, str):
            return NotImplemented
        return len(self) == len(other) and all(map(str.__eq__, self, other))

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"TextColumn.of({tuple(self)!r})" if len(self) <= 10 else f"<TextColumn of {len(self)} texts>"

    def save(self, folder: Path, name: str) -> None:
        """Write the texts to the files ``NAME.npy`` and ``NAME_bounds.npy``.

        Raises:
            OSError: they can't be written.
        """
        self._rows.save(folder, name)

    @classmethod
    def open(cls, folder: Path, name: str) -> TextColumn:
        """Return the texts in the files that `save` wrote, mapped into memory read-only.

        Raises:
            OSError: a file can't be read.
            ValueError: a file is cut off or damaged, or does not fit the other, or a text is not UTF-8.
        """
        rows = ByteRows.open(folder, name)
        # Now, and not in the middle of a training.
        for row in rows.rows():
            _decoded(row)
        return cls(rows)


def _encoded(text: str) -> bytes:
    # Names of files that are not UTF-8 hold surrogates.
    return text.encode(errors="surrogatepass")


def _decoded(row: bytes) -> str:
    return row.decode(errors="surrogatepass")
