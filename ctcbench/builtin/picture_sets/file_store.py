"""FileStore: pictures in files of their own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ctcbench.builtin.labelling.file_entry import FileEntry
from ctcbench.builtin.picture_sets.entry_index import EntryIndex


class FileStore:
    """Pictures in files of their own."""

    def picture(self, entry: FileEntry) -> Path:
        """Return the path of a picture."""
        return entry.file

    def states(self, entries: EntryIndex[FileEntry]) -> Iterator[tuple[int, int]]:
        """Yield the size of each file in bytes and the time of its last change in nanoseconds."""
        for entry in entries:
            try:
                found = os.stat(entry.path)  # noqa: PTH116 (of millions of files, and Path is slower)
            # A file that can't be read is a bad sample, which the drawing reports.
            except (OSError, ValueError):
                yield -1, -1
            else:
                yield found.st_size, found.st_mtime_ns

    def document(self) -> dict[str, Any]:
        """Return the kind of the store."""
        return {"kind": "files"}
