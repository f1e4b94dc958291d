"""PictureStore: where the pictures of a data set are."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol, TypeVar

from ctcbench.builtin.picture_sets.entry import Entry
from ctcbench.builtin.picture_sets.entry_index import EntryIndex

E_contra = TypeVar("E_contra", bound=Entry, contravariant=True)


class PictureStore(Protocol[E_contra]):
    """Where the pictures of entries are. Its methods read them one at a time."""

    def picture(self, entry: E_contra) -> Path | bytes:
        """Return the path of a picture, or its content.

        Raises:
            BadSample: there is no such picture.
        """
        ...

    def states(self, entries: EntryIndex[Any]) -> Iterator[object]:
        """Yield values of JSON that change when the content of a picture may have changed."""
        ...

    def document(self) -> dict[str, Any]:
        """Return what another process needs to read the same pictures, as JSON."""
        ...
