"""LmdbPages: the keys and values of an LMDB, read page by page with every position checked.

The LMDB library maps a file into memory and trusts its pages: one that is damaged, or cut off while it is
read, ends the process. This reader needs of the format (LMDB 0.9, 64 bits, little-endian) two meta pages
and the B+ tree of the main database, and writes nothing.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from ctcbench.contract.errors import UsageError

_MAGIC, _VERSION = 0xBEEFC0DE, 1
_META = struct.Struct("<II16xI")  # magic, version, address and size of the map, bytes of a page
_DATABASE = struct.Struct("<4xHH24xQQ")  # flags, depth, three counts of pages, entries, root
_TAIL = struct.Struct("<QQ")  # last page, number of the transaction
_HEADER = 16  # bytes of a page before its content
_NODE = struct.Struct("<HHHH")  # size or page in two halves, flags, bytes of the key
_BRANCH, _LEAF, _OVERFLOW = 1, 2, 4
_ELSEWHERE, _NESTED = 1, 2 | 4  # flags of a node: its value is on pages of its own, is a database
_ORDERED_OTHERWISE = 2 | 4 | 8  # flags of a database: reversed, repeated or integer keys
_NO_PAGE = 2**64 - 1
_DEEPEST = 64
_LEAST_BYTES = 11  # of a key in a page
_MOST_BYTES = 2**30  # of a value


class DamagedLmdb(Exception):
    """A page of an LMDB can't be what it should be; the message says which."""


class _Meta(NamedTuple):
    page_bytes: int
    flags: int
    entries: int
    root: int
    last_page: int
    transaction: int


class LmdbPages:
    """An LMDB that is open for reading.

    Attributes:
        entries: the number of keys.

    Raises:
        UsageError: the file is no LMDB, is cut off, or can't be read.
    """

    def __init__(self, path: Path) -> None:
        try:
            self._file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise UsageError(f"{path}: can't be read ({error.strerror})") from None
        size = os.fstat(self._file).st_size
        first = self._meta(0)
        second = self._meta(first.page_bytes) if first else None
        # Each transaction replaces the older of the two.
        found = [meta for meta in (first, second) if meta is not None]
        if not found:
            raise UsageError(f"{path}: is {'empty' if not size else 'no LMDB, or one of another version'}")
        self._used = max(found, key=lambda meta: meta.transaction)
        needed = (self._used.last_page + 1) * self._used.page_bytes
        if size < needed:
            raise UsageError(f"{path}: is cut off: it has {size:,} of {needed:,} bytes")
        if self._used.flags & _ORDERED_OTHERWISE:
            raise UsageError(f"{path}: its keys are not in the order of their bytes")
        if self._used.entries > size // _LEAST_BYTES:
            raise UsageError(
                f"{path}: is damaged: {size:,} bytes are too few for {self._used.entries:,} keys"
            )
        self.entries = self._used.entries

    def __del__(self) -> None:
        """Close the file."""
        if file := getattr(self, "_file", None):
            os.close(file)

    def get(self, key: bytes) -> bytes | None:
        """Return the value of a key, None if there is none.

        Raises:
            DamagedLmdb: a page on the way is damaged.
        """
        number = self._used.root
        for _ in range(_DEEPEST):
            if number == _NO_PAGE:
                return None
            page = _Page(number, self._page(number))
            at = page.last_not_above(key)
            if not page.is_leaf:
                number = page.child(max(at, 0))
            elif at >= 0 and page.key(at) == key:
                return self._value(page, at)
            else:
                return None
        raise DamagedLmdb("its tree has no end")

    def items(self, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Yield the keys that begin with a prefix, in the order of their bytes, with their values.

        Raises:
            DamagedLmdb: a page is damaged.
        """
        # Each page of a tree has one parent: a tree with more visits than pages has a page in several places.
        visits = self._used.last_page + 1
        waiting = [self._used.root]
        while waiting:
            number = waiting.pop()
            if number == _NO_PAGE:
                continue
            visits -= 1
            if visits < 0:
                raise DamagedLmdb("its tree has no end")
            page = _Page(number, self._page(number))
            start = max(0, page.last_not_above(prefix))
            if not page.is_leaf:
                inside = [
                    at
                    for at in range(start, page.nodes)
                    if at == start or page.key(at)[: len(prefix)] <= prefix
                ]
                waiting += [page.child(at) for at in reversed(inside)]
                continue
            for at in range(start, page.nodes):
                key = page.key(at)
                if key.startswith(prefix):
                    yield key, self._value(page, at)

    def _value(self, page: _Page, at: int) -> bytes:
        flags, size, start = page.value(at)
        if flags & _NESTED:
            raise DamagedLmdb(f"page {page.number}: a value is a database")
        if not flags & _ELSEWHERE:
            return page.part(start, size)
        if size > _MOST_BYTES:
            raise DamagedLmdb(f"page {page.number}: a value of {size:,} bytes, more than {_MOST_BYTES:,}")
        first = int.from_bytes(page.part(start, 8), "little")
        content = self._read(first * self._used.page_bytes, _HEADER + size)
        if not content[10] & _OVERFLOW:
            raise DamagedLmdb(f"page {first}: is not that of a value")
        return content[_HEADER:]

    def _page(self, number: int) -> bytes:
        if number > self._used.last_page:
            raise DamagedLmdb(f"there is no page {number}")
        return self._read(number * self._used.page_bytes, self._used.page_bytes)

    def _read(self, start: int, size: int) -> bytes:
        # Checked first: a damaged size would ask for memory without end.
        if start + size > (self._used.last_page + 1) * self._used.page_bytes:
            raise DamagedLmdb(f"a page ends beyond the file, at byte {start + size:,}")
        content = os.pread(self._file, size, start)
        if len(content) < size:
            raise DamagedLmdb("it was cut off meanwhile")
        return content

    def _meta(self, start: int) -> _Meta | None:
        """Return the meta page at a position, None if it is none."""
        content = os.pread(self._file, 152, start)
        if len(content) < 152:
            return None
        magic, version, page_bytes = _META.unpack_from(content, _HEADER)
        if (magic, version) != (_MAGIC, _VERSION) or page_bytes not in (1 << n for n in range(9, 17)):
            return None
        flags, _, entries, root = _DATABASE.unpack_from(content, 88)
        last_page, transaction = _TAIL.unpack_from(content, 136)
        return _Meta(page_bytes, flags, entries, root, last_page, transaction)


class _Page:
    """A page of the tree: nodes with keys in ascending order."""

    def __init__(self, number: int, content: bytes) -> None:
        self.number, self._content = number, content
        flags, lower = struct.unpack_from("<HH", content, 10)
        if flags & (_BRANCH | _LEAF) not in (_BRANCH, _LEAF) or not _HEADER <= lower <= len(content):
            raise DamagedLmdb(f"page {number}: is no part of a tree")
        self.is_leaf = bool(flags & _LEAF)
        self.nodes = (lower - _HEADER) // 2
        if not self.nodes:
            raise DamagedLmdb(f"page {number}: has no keys")
        self._starts = struct.unpack_from(f"<{self.nodes}H", content, _HEADER)

    def part(self, start: int, size: int) -> bytes:
        """Return a part of the page."""
        if start + size > len(self._content):
            raise DamagedLmdb(f"page {self.number}: a part ends beyond it")
        return self._content[start : start + size]

    def key(self, at: int) -> bytes:
        """Return the key of a node; that of the first node of a branch counts as the least."""
        if not at and not self.is_leaf:
            return b""
        size = self._node(at)[3]
        return self.part(self._starts[at] + _NODE.size, size)

    def last_not_above(self, key: bytes) -> int:
        """Return the last node whose key is not above `key`, −1 if there is none."""
        low, high = 0, self.nodes
        while low < high:
            middle = (low + high) // 2
            low, high = (middle + 1, high) if self.key(middle) <= key else (low, middle)
        return low - 1

    def child(self, at: int) -> int:
        """Return the page below a node of a branch."""
        low, high, top, _ = self._node(at)
        return low | high << 16 | top << 32

    def value(self, at: int) -> tuple[int, int, int]:
        """Return the flags of a leaf's node, the bytes of its value, and where in the page it begins."""
        low, high, flags, key = self._node(at)
        return flags, low | high << 16, self._starts[at] + _NODE.size + key

    def _node(self, at: int) -> tuple[int, int, int, int]:
        low, high, flags, key = _NODE.unpack(self.part(self._starts[at], _NODE.size))
        return low, high, flags, key
