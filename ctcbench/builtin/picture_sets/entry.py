"""Entry: a picture of a data set with its label, wherever the picture is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry(ABC):
    """A picture with its label, or the reason why it can't be used.

    Entries are made one at a time from the bytes of an `EntryList` or an `EntryIndex`.

    Attributes:
        name: its name in the data set, on which its split and its place in the order depend.
        text: its label, None if it has none.
        reason: why it has no label.
        group: the value of the column of groups, None if there is no such column.
    """

    num_shared: ClassVar[int]
    """The number of texts of `packed` that many entries have in common."""
    num_own: ClassVar[int]
    """The number of the other texts of `packed`."""

    name: str
    text: str | None
    reason: str = ""
    group: str | None = None

    @property
    @abstractmethod
    def where(self) -> str:
        """Its name in errors."""

    @abstractmethod
    def packed(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return where it is as texts: those that many entries have in common, and its own."""

    @classmethod
    @abstractmethod
    def unpacked(cls, shared: Sequence[str], own: Sequence[str], **common: Any) -> Self:
        """Return the entry that `packed` returned these texts of; `common` are the attributes above.

        Raises:
            ValueError: a text is not what `packed` returns.
        """
