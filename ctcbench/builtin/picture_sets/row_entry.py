"""RowEntry: a picture in a file of many pictures, with its label."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from ctcbench.builtin.picture_sets.entry import Entry


@dataclass(frozen=True, slots=True, kw_only=True)
class RowEntry(Entry):
    """A picture in a file of many pictures.

    Attributes:
        shard: the file.
        row: the number of the picture in it.
    """

    num_shared = 1
    num_own = 1

    shard: Path
    row: int

    @property
    def where(self) -> str:
        """The path of the file, and the name of the picture in it."""
        return f"{self.shard}: {self.name.rpartition('/')[2]}"

    def packed(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return the path of the file, and the number of the picture."""
        return (str(self.shard),), (str(self.row),)

    @classmethod
    def unpacked(cls, shared: Sequence[str], own: Sequence[str], **common: Any) -> Self:
        """Return the entry that `packed` returned these texts of."""
        return cls(shard=_path(shared[0]), row=int(own[0]), **common)


# A Path takes longer to make than all else of an entry.
_path = functools.lru_cache(maxsize=64)(Path)
