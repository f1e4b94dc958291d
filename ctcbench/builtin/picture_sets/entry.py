"""Entry: a picture of a data set with its label, wherever the picture is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass


# With slots, because a data set may have millions of entries, and they are its index in memory.
@dataclass(frozen=True, slots=True, kw_only=True)
class Entry(ABC):
    """A picture with its label, or the reason why it can't be used.

    Attributes:
        name: its name in the data set, on which its split and its place in the order depend.
        text: its label, None if it has none.
        reason: why it has no label.
        group: the value of the column of groups, None if there is no such column.
    """

    name: str
    text: str | None
    reason: str = ""
    group: str | None = None

    @property
    @abstractmethod
    def where(self) -> str:
        """Its name in errors."""
