"""FileStore: pictures in files of their own."""

from __future__ import annotations

from pathlib import Path

from ctcbench.builtin.labelling.file_entry import FileEntry


class FileStore:
    """Pictures in files of their own."""

    def picture(self, entry: FileEntry) -> Path:
        """Return the path of a picture."""
        return entry.file

    def state(self, entry: FileEntry) -> tuple[int, int]:
        """Return the size of a file in bytes and the time of its last change in nanoseconds."""
        try:
            found = entry.file.stat()
        except OSError:  # a file that can't be read is a bad sample, which the drawing reports
            return -1, -1
        return found.st_size, found.st_mtime_ns
