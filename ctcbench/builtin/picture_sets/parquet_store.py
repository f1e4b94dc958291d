"""ParquetStore: pictures in Parquet files, of which a few row groups are in memory."""

from __future__ import annotations

import bisect
import dataclasses
import itertools
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ctcbench.builtin.picture_sets.entry_index import EntryIndex
from ctcbench.builtin.picture_sets.parquet_pages import MOST_EXPANDED, is_part_of, largest_page
from ctcbench.builtin.picture_sets.parquet_paths import beside, may_have_paths, path_states
from ctcbench.builtin.picture_sets.row_entry import RowEntry
from ctcbench.contract.errors import BadSample, UsageError
from ctcbench.files.plain_files import MIB, why_not_plain
from ctcbench.files.text import one_line

_OBJECT_BYTES = 48  # of a picture beyond its content
_ROW_BYTES = 8
_KEPT_BYTES = 64 * MIB  # of pictures, in each process
_ROWS = 16  # that are decoded at a time, at most
_LARGE_GROUP = 64 * MIB


@dataclass(frozen=True)
class _Shard:
    """A file.

    Attributes:
        column: that of the pictures.
        starts: the number of rows before each row group, and in all.
        largest_group: bytes of the pictures in the largest row group.
        batch: the number of rows that are decoded at a time.
        has_paths: whether pictures may be files beside it.
    """

    column: str
    starts: list[int]
    largest_group: int
    batch: int
    has_paths: bool


class ParquetStore:
    """Pictures in Parquet files. The row groups that were read last are kept, up to a size."""

    def __init__(self, document: Mapping[str, Any] | None = None) -> None:
        """Make a store, of a `document` of another one or without files."""
        shards = document["shards"] if document else {}
        self._shards = {Path(path): _Shard(*values) for path, values in shards.items()}
        self._files: dict[Path, Any] = {}
        self._kept: OrderedDict[tuple[Path, int], tuple[list[bytes | str | None], int]] = OrderedDict()
        self._kept_bytes = 0
        self._ends: dict[tuple[Path, int], int] = {}  # the first row beyond `MOST_EXPANDED`

    def add(self, path: Path, file: Any, column: str) -> None:
        """Add an open ``pyarrow.parquet.ParquetFile`` and the name of its column of pictures.

        Raises:
            UsageError: its pictures expand to more than is allowed, or a page is damaged.
            ValueError, OSError: the file is damaged.
        """
        metadata = file.metadata
        rows = (metadata.row_group(group).num_rows for group in range(metadata.num_row_groups))
        starts = [0, *itertools.accumulate(rows)]
        largest = max(_group_bytes(file, column), default=0)
        batch = rows_of_batch(_KEPT_BYTES, largest_page(path, metadata, [column]), _ROWS)
        self._shards[path] = _Shard(column, starts, largest, batch, may_have_paths(metadata, column))
        self._files[path] = file

    def document(self) -> dict[str, Any]:
        """Return what another process needs, which opens the files again."""
        shards = {str(path): dataclasses.astuple(shard) for path, shard in self._shards.items()}
        return {"kind": "parquet", "shards": shards}

    def picture(self, entry: RowEntry) -> bytes | Path:
        """Return the content of a picture, or its path if the file has only that.

        Raises:
            BadSample: there is neither, or the file is damaged there.
        """
        import pyarrow

        shard = self._shards[entry.shard]
        group = bisect.bisect_right(shard.starts, entry.row) - 1
        try:
            value = self._value(entry.shard, group, entry.row - shard.starts[group])
        # ValueError: of text that is not UTF-8.
        except (pyarrow.ArrowException, OSError, ValueError) as error:
            raise BadSample(f"its row group {group} is damaged ({one_line(str(error))})") from error
        if value is None:
            raise BadSample(f"its picture is null (column {shard.column!r})")
        return beside(entry.shard, value) if isinstance(value, str) else value

    def states(self, entries: EntryIndex[RowEntry]) -> Iterator[tuple[int, int]]:
        """Yield the size of each file in bytes and the time of its last change in nanoseconds.

        After a file come the pictures beside it that it names.

        Raises:
            UsageError: a file is damaged.
        """
        import pyarrow

        for path in (Path(shard) for shard, *_ in entries.shared):
            found = path.stat()
            yield found.st_size, found.st_mtime_ns
            shard = self._shards[path]
            if shard.has_paths:
                try:
                    yield from path_states(path, self._file(path), shard.column, shard.batch)
                except (pyarrow.ArrowException, OSError, ValueError) as error:
                    raise UsageError(f"{path}: is damaged ({one_line(str(error))})") from None

    @property
    def size_notice(self) -> str:
        """A notice of row groups that are too large to be kept, or an empty text."""
        largest, where = max(((shard.largest_group, path) for path, shard in self._shards.items()))
        if largest <= _LARGE_GROUP:
            return ""
        return (
            f"{where} has row groups of {largest / MIB:,.0f} MiB, and a whole one is read for each picture; "
            f"written with row_group_size=100, it is drawn many times as fast"
        )

    def _value(self, path: Path, group: int, row: int) -> bytes | str | None:
        if (path, group) in self._kept:
            self._kept.move_to_end((path, group))
            kept, _ = self._kept[path, group]
            return kept[row] if row < len(kept) else None
        # Without it, each of the rows beyond would be searched for through all of those before.
        if row >= self._ends.get((path, group), row + 1):
            raise _too_large(group)
        values: list[bytes | str | None] | None = []
        # Rows that share a value in the file share it in memory.
        shared: dict[bytes | str | None, bytes | str | None] = {}
        wanted: bytes | str | None = None
        size = expanded = at = 0
        for part in self._batches(path, group):
            expanded += sum(map(_bytes_of, part))
            if expanded > MOST_EXPANDED:
                self._ends[path, group] = at
                if row >= at:
                    raise _too_large(group)
                return wanted
            if at <= row < at + len(part):
                wanted = part[row - at]
            at += len(part)
            if values is not None:
                size += len(part) * _ROW_BYTES + sum(map(_bytes_of, {*part} - shared.keys()))
                values += [shared.setdefault(value, value) for value in part]
                if size > _KEPT_BYTES:
                    values, shared = None, {}
            if values is None and at > row:
                return wanted
        if values is not None:
            self._keep((path, group), values, size)
        return wanted

    def _batches(self, path: Path, group: int) -> Iterator[list[bytes | str | None]]:
        """Yield the pictures of a row group, a few rows at a time."""
        shard = self._shards[path]
        # In small batches: many values may share the bytes of one in a dictionary or a common beginning.
        batches = self._file(path).iter_batches(
            shard.batch, row_groups=[group], columns=[shard.column], use_threads=False
        )
        for batch in batches:
            yield [_content(value) for value in batch.column(0).to_pylist()]

    def _file(self, path: Path) -> Any:
        if path not in self._files:
            self._files[path] = open_parquet(path)
        return self._files[path]

    def _keep(self, key: tuple[Path, int], values: list[bytes | str | None], size: int) -> None:
        self._kept[key] = values, size
        self._kept_bytes += size
        while self._kept_bytes > _KEPT_BYTES:
            _, (_, dropped) = self._kept.popitem(last=False)
            self._kept_bytes -= dropped


def rows_of_batch(most: int, largest: int, usual: int) -> int:
    """Return how many rows are decoded at a time.

    Args:
        most: bytes of their values.
        largest: bytes that the largest page expands to: no value is larger, but each may be as large.
        usual: the number if pages are small.
    """
    return max(1, min(usual, most // max(1, largest)))


def open_parquet(path: Path) -> Any:
    """Return the open ``pyarrow.parquet.ParquetFile``.

    Raises:
        UsageError: it is no Parquet file, or is damaged.
    """
    import pyarrow
    import pyarrow.parquet

    if reason := why_not_plain(path):
        raise UsageError(f"{path}: {reason}")
    try:
        return pyarrow.parquet.ParquetFile(path, memory_map=True, pre_buffer=False)
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        raise UsageError(f"{path}: is no Parquet file, or is damaged ({one_line(str(error))})") from None


def _content(value: Any) -> bytes | str | None:
    """Return the content of a picture, its path if there is only that, or None."""
    # Not the dict of a struct, which takes more memory than a small picture.
    if isinstance(value, dict):
        if value.get("bytes") is None and value.get("path"):
            return str(value["path"])
        value = value.get("bytes")
    return None if value is None else bytes(value)


def _bytes_of(value: bytes | str | None) -> int:
    return _OBJECT_BYTES + len(value or b"")


def _too_large(group: int) -> BadSample:
    return BadSample(
        f"the pictures of its row group {group} expand to more than {MOST_EXPANDED // MIB:,} MiB; write the "
        "file with a smaller row_group_size"
    )


def _group_bytes(file: Any, column: str) -> list[int]:
    metadata = file.metadata
    return [
        sum(
            metadata.row_group(group).column(i).total_uncompressed_size
            for i in range(metadata.num_columns)
            if is_part_of(metadata.row_group(group).column(i).path_in_schema, column)
        )
        for group in range(metadata.num_row_groups)
    ]
