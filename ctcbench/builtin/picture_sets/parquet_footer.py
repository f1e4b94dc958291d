"""check_footer(): the descriptions of all columns in a Parquet file, read where pyarrow catches errors.

``RowGroupMetaData.column`` of pyarrow does not: if its C++ code throws, the process is aborted (in pyarrow 26
where the statistics of a column contradict the schema). The reader of batches reads the same descriptions
and turns what they throw into exceptions of Python.
"""

from __future__ import annotations

import contextlib
import io
from pathlib import Path
from typing import Any


class _PageWantedError(Exception):
    """A column is described without error, and its first page is read next."""


class _WithoutPages(io.FileIO):
    """A file of which only the size can be read."""

    def read(self, size: int | None = -1, /) -> bytes:
        raise _PageWantedError


def check_footer(path: Path, metadata: Any) -> None:
    """Check that pyarrow can read the description of each column in each row group; no page is read.

    Args:
        path: the file.
        metadata: its ``pyarrow.parquet.FileMetaData``.

    Raises:
        pyarrow.ArrowException, OSError, ValueError: a description is damaged.
    """
    import pyarrow.parquet

    with _WithoutPages(path) as source:
        # Without pre_buffer, which would read in threads.
        reader = pyarrow.parquet.ParquetFile(source, metadata=metadata, pre_buffer=False).reader
        for group in range(metadata.num_row_groups):
            for column in range(metadata.num_columns):
                with contextlib.suppress(_PageWantedError):
                    next(reader.iter_batches(1, [group], [column], use_threads=False), None)
