"""Entry: a picture of a folder with its label."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Entry:
    """A picture with its label, or the reason why it can't be used.

    Attributes:
        file: its path.
        name: its path relative to the folder of the data set.
        text: its label, None if it has none.
        reason: why it has no label.
        origin: where its label was read: the line of a list, or a file.
    """

    file: Path
    name: str
    text: str | None
    reason: str
    origin: str

    @property
    def where(self) -> str:
        """Its name in errors: its path, or where its label was read if that is at fault."""
        return self.origin if self.text is None else str(self.file)
