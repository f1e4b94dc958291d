"""FilePaths: the paths of many files as bytes."""

from __future__ import annotations

import os
from array import array
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import overload


class FilePaths(Sequence[Path]):
    """A list of paths that holds their bytes and no object for each: a folder may have millions of files."""

    def __init__(self, paths: Iterable[Path | str] = ()) -> None:
        self._content, self._ends = bytearray(), array("q", [0])
        self.extend(paths)

    def append(self, path: Path | str) -> None:
        """Add a path at the end."""
        self._content += os.fsencode(path)
        self._ends.append(len(self._content))

    def extend(self, paths: Iterable[Path | str]) -> None:
        """Add paths at the end."""
        for path in paths.texts() if isinstance(paths, FilePaths) else paths:
            self.append(path)

    def texts(self) -> Iterator[str]:
        """Yield the paths as texts, which take less time to make."""
        return (self._text(at) for at in range(len(self)))

    def __len__(self) -> int:
        return len(self._ends) - 1

    @overload
    def __getitem__(self, index: int) -> Path: ...
    @overload
    def __getitem__(self, index: slice) -> list[Path]: ...
    def __getitem__(self, index: int | slice) -> Path | list[Path]:
        if isinstance(index, slice):
            return [self[at] for at in range(len(self))[index]]
        return Path(self._text(range(len(self))[index]))

    def _text(self, at: int) -> str:
        return os.fsdecode(bytes(self._content[self._ends[at] : self._ends[at + 1]]))
