"""largest_page(): the sizes that the pages of a Parquet file expand to, checked before any is decompressed.

pyarrow trusts these sizes: a page of some kilobytes may expand to two gigabytes, and a column to any number
of such pages. Their headers are structs of Apache Thrift in its compact protocol (PageHeader in
parquet.thrift).
"""

from __future__ import annotations

import mmap
from collections.abc import Collection
from pathlib import Path
from typing import Any

from ctcbench.contract.errors import UsageError
from ctcbench.files.plain_files import MIB

MOST_EXPANDED = 1024 * MIB  # bytes of a column in one row group
_UNCOMPRESSED, _COMPRESSED = 2, 3  # fields of a PageHeader
_STOP, _TRUE, _FALSE, _BYTE, _DOUBLE, _BINARY, _LIST, _SET, _MAP, _STRUCT = 0, 1, 2, 3, 7, 8, 9, 10, 11, 12
_INTEGERS = (4, 5, 6)
_DEEPEST = 8  # structs in a header


class _Damaged(Exception):
    """A header can't be that of a page."""


def largest_page(path: Path, metadata: Any, columns: Collection[str]) -> int:
    """Return the bytes that the largest page of some columns expands to.

    Args:
        path: the file.
        metadata: its ``pyarrow.parquet.FileMetaData``.
        columns: the names of the columns that will be read.

    Raises:
        UsageError: a column of a row group, or all of its pages together, expand to more than `MOST_EXPANDED`
            or than the metadata state, or the header of a page is damaged.
        OSError: the file can't be read.
    """
    largest = 0
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        for group in range(metadata.num_row_groups):
            row_group = metadata.row_group(group)
            for at in range(metadata.num_columns):
                chunk = row_group.column(at)
                leaf = chunk.path_in_schema
                for name in (name for name in columns if is_part_of(leaf, name)):
                    where = f"{path}: row group {group}, column {name!r}"
                    largest = max(largest, _check_chunk(where, content, chunk))
    return largest


def is_part_of(leaf: str, column: str) -> bool:
    """Return whether a leaf of a schema, as ``image.bytes``, is of a column, whose name may have dots."""
    return leaf == column or leaf.startswith(f"{column}.")


def _check_chunk(where: str, content: mmap.mmap, chunk: Any) -> int:
    stated = chunk.total_uncompressed_size
    if stated > MOST_EXPANDED:
        raise UsageError(
            f"{where}: expands to {stated / MIB:,.0f} MiB, but at most {MOST_EXPANDED // MIB:,} are allowed; "
            f"write the file with a smaller row_group_size"
        )
    start, dictionary = chunk.data_page_offset, chunk.dictionary_page_offset
    if chunk.has_dictionary_page and dictionary is not None and 0 < dictionary < start:
        start = dictionary
    end = start + chunk.total_compressed_size
    if not 0 <= start <= end <= len(content):
        raise UsageError(f"{where}: is damaged: it ends beyond the file")
    largest = expanded = 0
    while start < end:
        try:
            header = _Header(content, start, end)
        except _Damaged as error:
            raise UsageError(f"{where}: is damaged: {error}") from None
        start = header.end + header.compressed
        largest = max(largest, header.uncompressed)
        expanded += header.uncompressed
        if expanded > stated:
            raise UsageError(f"{where}: is damaged: it states {stated:,} bytes, but its pages expand to more")
    return largest


class _Header:
    """The header of a page.

    Attributes:
        uncompressed: the bytes of the page after decompression.
        compressed: its bytes in the file.
        end: where the header ends in the file.
    """

    def __init__(self, content: mmap.mmap, start: int, limit: int) -> None:
        self._content, self._limit = content, limit
        self.end = start
        fields = self._struct(_DEEPEST)
        self.uncompressed, self.compressed = fields.get(_UNCOMPRESSED, -1), fields.get(_COMPRESSED, -1)
        if self.uncompressed < 0 or self.compressed < 0 or self.end + self.compressed > limit:
            raise _Damaged(f"the sizes of the page at byte {start:,} are wrong")

    def _struct(self, depth: int) -> dict[int, int]:
        """Read a struct; return its whole numbers by field."""
        if not depth:
            raise _Damaged("the header of a page is nested too deeply")
        numbers: dict[int, int] = {}
        field = 0
        while (head := self._byte()) != _STOP:
            field = field + (head >> 4) if head >> 4 else self._integer()
            if (value := self._value(head & 15, depth)) is not None:
                numbers[field] = value
        return numbers

    def _value(self, kind: int, depth: int, *, listed: bool = False) -> int | None:
        """Read a value; return it if it is a whole number."""
        if kind in _INTEGERS:
            return self._integer()
        if kind in (_TRUE, _FALSE):
            # The value of a field is in its head; an element of a list is a byte.
            self._skip(1 if listed else 0)
        elif kind == _BYTE:
            self._skip(1)
        elif kind == _DOUBLE:
            self._skip(8)
        elif kind == _BINARY:
            self._skip(self._unsigned())
        elif kind in (_LIST, _SET):
            head = self._byte()
            count = head >> 4 if head >> 4 != 15 else self._unsigned()
            self._elements([head & 15], count, depth)
        elif kind == _MAP:
            if count := self._unsigned():
                kinds = self._byte()
                self._elements([kinds >> 4, kinds & 15], count, depth)
        elif kind == _STRUCT:
            self._struct(depth - 1)
        else:
            raise _Damaged("the header of a page has a value of an unknown type")
        return None

    def _elements(self, kinds: list[int], count: int, depth: int) -> None:
        # Each takes a byte at least, so that a false number ends at the limit.
        for _ in range(count):
            for kind in kinds:
                self._value(kind, depth - 1, listed=True)

    def _byte(self) -> int:
        self._skip(1)
        return self._content[self.end - 1]

    def _unsigned(self) -> int:
        value = shift = 0
        while True:
            byte = self._byte()
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value
            if shift > 63:
                raise _Damaged("the header of a page has a number without end")

    def _integer(self) -> int:
        value = self._unsigned()
        return (value >> 1) ^ -(value & 1)

    def _skip(self, size: int) -> None:
        self.end += size
        if self.end > self._limit:
            raise _Damaged("the header of a page ends beyond its column")
