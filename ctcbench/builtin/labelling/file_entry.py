"""FileEntry: a picture in a file of its own, with its label."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from ctcbench.builtin.picture_sets.entry import Entry


@dataclass(frozen=True, slots=True, kw_only=True)
class FileEntry(Entry):
    """A picture in a file of its own; its name is the path relative to the folder of the data set.

    Attributes:
        path: its path.
        origin_file: the list that its label was read from, or the file beside it; empty: its name.
        origin_line: what follows in messages, such as ``:17``.
    """

    num_shared = 2
    num_own = 2

    path: str
    origin_file: str = ""
    origin_line: str = ""

    @property
    def file(self) -> Path:
        """Its path."""
        return Path(self.path)

    @property
    def origin(self) -> str:
        """Where its label was read: the line of a list, or a file."""
        return self.origin_file + self.origin_line or self.path

    @property
    def where(self) -> str:
        """Its path, or where its label was read if that is at fault."""
        return self.origin if self.text is None else self.path

    def packed(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return the folder whose path and the name make its own, and the origin; else the path whole."""
        if self.path.endswith(f"/{self.name}"):
            folder, path = self.path[: -len(self.name)], ""
        else:
            folder, path = "", self.path
        return (folder, self.origin_file), (path, self.origin_line)

    @classmethod
    def unpacked(cls, shared: Sequence[str], own: Sequence[str], **common: Any) -> Self:
        """Return the entry that `packed` returned these texts of."""
        return cls(
            path=own[0] or shared[0] + common["name"],
            origin_file=shared[1],
            origin_line=own[1],
            **common,
        )
