"""open_shared_set(): a set of pictures in another process, whose index is mapped from files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import ConfigDict, Field, InstanceOf

from ctcbench.builtin.labelling.file_entry import FileEntry
from ctcbench.builtin.picture_sets.entry import Entry
from ctcbench.builtin.picture_sets.entry_index import EntryIndex
from ctcbench.builtin.picture_sets.file_store import FileStore
from ctcbench.builtin.picture_sets.lmdb_store import LmdbStore
from ctcbench.builtin.picture_sets.parquet_store import ParquetStore
from ctcbench.builtin.picture_sets.picture_set import SHARED_DOCUMENT, PictureSet
from ctcbench.builtin.picture_sets.row_entry import RowEntry
from ctcbench.contract.data import SplitName
from ctcbench.contract.errors import CtcbenchError
from ctcbench.contract.specs import Alphabet, Direction, Ground, ImageSpec
from ctcbench.files.json_files import parse_object
from ctcbench.files.json_records import STRICT, Record, read_record
from ctcbench.files.picture_sizes import MOST_SIDE
from ctcbench.files.pictures import MOST_CROPPED, Fit

_STORES: Mapping[str, tuple[type[Entry], Callable[[Mapping[str, Any]], Any]]] = {
    "files": (FileEntry, lambda document: FileStore()),
    "lmdb": (RowEntry, lambda document: LmdbStore()),
    "parquet": (RowEntry, ParquetStore),
}
_Size = Annotated[int, Field(ge=1, le=MOST_SIDE)]
_Text = InstanceOf[str]  # also with the surrogates of names that are not UTF-8


class _Complete(Record):
    # The process that wrote the document has the same fields; a new one must not get lost on the way.
    model_config = ConfigDict(**{**STRICT, "extra": "forbid"})


class _Image(_Complete):
    height: _Size
    width: _Size
    channels: Annotated[int, Field(ge=1, le=3)]
    variable: bool
    crop: Annotated[float, Field(ge=0, le=MOST_CROPPED)]
    ground: Ground


class _Document(_Complete):
    """What `PictureSet.share` writes beside the arrays of the index."""

    split: SplitName
    image: _Image
    alphabet: str | list[str]
    direction: Direction
    fit: Fit
    root: _Text
    store: dict[str, Any]
    shared: list[list[_Text]]


def open_shared_set(folder: Path) -> PictureSet[Any]:
    """Return the set that `PictureSet.share` wrote into a folder, with the one split that was written.

    Raises:
        CtcbenchError: a file is missing or damaged.
    """
    path = folder / SHARED_DOCUMENT
    try:
        found = read_record(_Document, parse_object(path.read_bytes(), path), path)
        kind, make_store = _STORES[found.store["kind"]]
        shared = [tuple(texts) for texts in found.shared]
        index = EntryIndex.open(kind, folder, shared)
        store = make_store(found.store)
    except OSError as error:
        raise CtcbenchError(f"{error.filename or folder}: can't be read ({error.strerror})") from error
    except (KeyError, TypeError, ValueError) as error:
        raise CtcbenchError(f"{folder}: the index of the data set is damaged ({error})") from error
    alphabet = found.alphabet if isinstance(found.alphabet, str) else tuple(found.alphabet)
    return PictureSet(
        image=ImageSpec(**found.image.model_dump()),
        alphabet=Alphabet(alphabet, found.direction),
        fit=found.fit,
        root=Path(found.root),
        store=store,
        splits={found.split: index},
    )
