"""FileEntry: a picture in a file of its own, with its label."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ctcbench.builtin.picture_sets.entry import Entry


@dataclass(frozen=True, slots=True, kw_only=True)
class FileEntry(Entry):
    """A picture in a file of its own; its name is the path relative to the folder of the data set.

    Attributes:
        file: its path.
        origin: where its label was read: the line of a list, or a file.
    """

    file: Path
    origin: str

    @property
    def where(self) -> str:
        """Its path, or where its label was read if that is at fault."""
        return self.origin if self.text is None else str(self.file)
