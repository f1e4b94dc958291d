"""RowEntry: a picture in a file of many pictures, with its label."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ctcbench.builtin.picture_sets.entry import Entry


@dataclass(frozen=True, slots=True, kw_only=True)
class RowEntry(Entry):
    """A picture in a file of many pictures.

    Attributes:
        shard: the file, one object for all of its pictures.
        row: the number of the picture in it.
    """

    shard: Path
    row: int

    @property
    def where(self) -> str:
        """The path of the file, and the name of the picture in it."""
        return f"{self.shard}: {self.name.rpartition('/')[2]}"
