"""SimilarNames: the files whose paths differ from a written one only in case or in Unicode form."""

from __future__ import annotations

import os
import unicodedata
from collections import defaultdict
from pathlib import Path, PurePosixPath


def folded(name: str) -> str:
    """Return a name without the difference of case and of Unicode form."""
    return unicodedata.normalize("NFC", name).casefold()


class SimilarNames:
    """Finds files by paths that were written where the file system ignores case or the Unicode form.

    Windows and macOS ignore case; archives from a Mac hold decomposed names, and editors write composed ones.
    """

    def __init__(self) -> None:
        # The names in each folder that was looked into, by their folded form.
        self._listings: dict[Path, dict[str, list[str]]] = {}

    def find(self, folder: Path, name: str) -> list[Path]:
        """Return the files that a path relative to a folder may mean, in the order of their names.

        A part of the path that is there as it is written has no other meaning.
        """
        places = [folder]
        for part in PurePosixPath(name).parts:
            places = [place / same for place in places for same in self._same(place, part)]
        return [place for place in places if place.is_file()]

    def _same(self, folder: Path, part: str) -> list[str]:
        if part in ("..", "/"):
            return [part]
        if folder not in self._listings:
            names: dict[str, list[str]] = defaultdict(list)
            try:
                found = os.listdir(folder)  # noqa: PTH208 (names, of which there may be millions)
            except (OSError, ValueError):
                found = []
            for name in sorted(found):
                names[folded(name)].append(name)
            self._listings[folder] = dict(names)
        same = self._listings[folder].get(folded(part), [])
        return [part] if part in same else same
