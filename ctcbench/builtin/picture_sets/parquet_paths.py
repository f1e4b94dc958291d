"""Pictures that a Parquet file names by their paths, in place of their content."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ctcbench.contract.errors import BadSample
from ctcbench.files.text import abbreviated


def may_have_paths(metadata: Any, column: str) -> bool:
    """Return whether a column of structs may have pictures by path: those without bytes.

    Args:
        metadata: ``pyarrow.parquet.FileMetaData``.
        column: the name of the column of pictures.
    """
    chunks = [
        metadata.row_group(group).column(at)
        for group in range(metadata.num_row_groups)
        for at in range(metadata.num_columns)
    ]
    if not any(chunk.path_in_schema == f"{column}.path" for chunk in chunks):
        return False
    contents = [chunk.statistics for chunk in chunks if chunk.path_in_schema == f"{column}.bytes"]
    return any(found is None or not found.has_null_count or found.null_count for found in contents)


def path_states(shard: Path, file: Any, column: str, rows: int) -> Iterator[tuple[int, int]]:
    """Yield size in bytes and time of the last change in nanoseconds of the pictures beside a file.

    Each path of the column counts, also where a row has the content too: the bytes, which may be many, are
    not read to know that.

    Args:
        shard: the file.
        file: the open ``pyarrow.parquet.ParquetFile``.
        column: the name of the column of pictures.
        rows: number of rows that are decoded at a time.

    Raises:
        pyarrow.ArrowException, OSError, ValueError: the file is damaged.
    """
    for batch in file.iter_batches(rows, columns=[f"{column}.path"], use_threads=False):
        # By name: another column can be called as this one's part.
        for value in batch.column(batch.schema.get_field_index(column)).to_pylist():
            if value is not None and value["path"]:
                yield _state(shard, value["path"])


def beside(shard: Path, name: str) -> Path:
    """Return the path of a picture that a file names, which must lie in the folder of the file.

    Raises:
        BadSample: it does not.
    """
    path = shard.parent / name.replace("\\", "/")
    try:
        # Resolved, because a link in the folder may lead out of it.
        is_inside = path.resolve().is_relative_to(shard.parent.resolve())
    except (OSError, RuntimeError, ValueError) as error:  # a loop of links, or a NUL
        raise BadSample(f"its picture {abbreviated(name)!r} can't be read") from error
    if not is_inside:
        raise BadSample(f"its picture {abbreviated(name)!r} is not in the folder of the file")
    return path


def _state(shard: Path, name: str) -> tuple[int, int]:
    try:
        found = beside(shard, name).stat()
    except (BadSample, OSError):
        return -1, -1
    return found.st_size, found.st_mtime_ns
