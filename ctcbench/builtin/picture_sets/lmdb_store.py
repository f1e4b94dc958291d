"""LmdbStore: pictures in LMDBs, and read_index(), the labels of one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ctcbench.builtin.labelling.label_text import read_label
from ctcbench.builtin.picture_sets.entry_index import EntryIndex
from ctcbench.builtin.picture_sets.lmdb_pages import DamagedLmdb, LmdbPages
from ctcbench.builtin.picture_sets.row_entry import RowEntry
from ctcbench.contract.data import LONGEST_TEXT, MOST_SAMPLES
from ctcbench.contract.errors import BadSample, UsageError
from ctcbench.files.plain_files import why_not_plain

_BYTES_PER_CHARACTER = 4  # at most, in UTF-8


class LmdbStore:
    """Pictures in LMDBs, read one at a time."""

    def __init__(self) -> None:
        self._open: dict[Path, LmdbPages] = {}

    def picture(self, entry: RowEntry) -> bytes:
        """Return the content of a picture.

        Raises:
            BadSample: there is no such key, or the LMDB is damaged there.
        """
        key = _key("image", entry.row)
        try:
            value = self.pages(entry.shard).get(key)
        except DamagedLmdb as error:
            raise BadSample(f"the LMDB is damaged: {error}") from error
        if value is None:
            raise BadSample(f"has no key {key.decode()}")
        return value

    def states(self, entries: EntryIndex[RowEntry]) -> Iterator[tuple[int, int]]:
        """Yield the size of each file in bytes and the time of its last change in nanoseconds."""
        for shard, *_ in entries.shared:
            found = data_file(Path(shard)).stat()
            yield found.st_size, found.st_mtime_ns

    def document(self) -> dict[str, Any]:
        """Return the kind of the store; entries have the paths."""
        return {"kind": "lmdb"}

    def pages(self, path: Path) -> LmdbPages:
        """Return the open LMDB at a path.

        Raises:
            UsageError: it is no LMDB, is cut off, or can't be read.
        """
        if path not in self._open:
            file = data_file(path)
            if reason := why_not_plain(file):
                raise UsageError(f"{file}: {reason}")
            self._open[path] = LmdbPages(file)
        return self._open[path]


def is_lmdb(path: Path) -> bool:
    """Return whether a path is that of an LMDB: a folder with a file ``data.mdb``, or a file of its own."""
    if path.is_dir():
        return (path / "data.mdb").is_file()
    return path.suffix.lower() in (".mdb", ".lmdb") and path.name != "lock.mdb"


def data_file(path: Path) -> Path:
    """Return the file that holds the data of an LMDB."""
    return path / "data.mdb" if path.is_dir() else path


def read_index(store: LmdbStore, path: Path, prefix: str) -> Iterator[RowEntry]:
    """Yield the entries of an LMDB with their labels.

    Args:
        store: opens the LMDB, whose pictures it reads later.
        path: the LMDB.
        prefix: what the names of its pictures begin with.

    Raises:
        UsageError: it is none, is damaged, or has no ``num-samples`` that fits.
    """
    pages = store.pages(path)
    try:
        number = _num_samples(path, pages.get(b"num-samples"), pages.entries)
        # In one pass over the keys, which are in the order of the numbers: a search for each takes longer.
        labels = pages.items(b"label-")
        found = next(labels, None)
        for row in range(1, number + 1):
            key = _key("label", row)
            while found is not None and found[0] < key:
                found = next(labels, None)
            name = f"{prefix}{_key('image', row).decode()}"
            try:
                text = _label(found[1] if found is not None and found[0] == key else None, key)
            except BadSample as error:
                yield RowEntry(name=name, text=None, reason=str(error), shard=path, row=row)
            else:
                yield RowEntry(name=name, text=text, shard=path, row=row)
    except DamagedLmdb as error:
        raise UsageError(f"{path}: is damaged: {error}") from None


def _key(kind: str, row: int) -> bytes:
    return b"%s-%09d" % (kind.encode(), row)


def _num_samples(path: Path, value: bytes | None, entries: int) -> int:
    if value is None:
        raise UsageError(
            f"{path}: has no key num-samples; an LMDB of pictures has num-samples, and image-000000001 and "
            f"label-000000001 for the first picture"
        )
    text = value[:20]
    if not text.isdigit() or int(text) > MOST_SAMPLES:
        raise UsageError(f"{path}: num-samples is {text!r}, not a number up to {MOST_SAMPLES:,}")
    # Compared with the keys that exist, because a false number could stand for an index without end.
    if int(text) > entries:
        raise UsageError(f"{path}: num-samples is {int(text):,}, but it has {entries:,} keys")
    if int(text) == 0:
        raise UsageError(f"{path}: has no pictures (num-samples is 0)")
    return int(text)


def _label(value: bytes | None, key: bytes) -> str:
    if value is None:
        raise BadSample(f"has no key {key.decode()}")
    if len(value) > LONGEST_TEXT * _BYTES_PER_CHARACTER:
        raise BadSample(f"its label has {len(value):,} bytes; at most {LONGEST_TEXT:,} characters count")
    try:
        return read_label(value.decode())
    except UnicodeDecodeError:
        raise BadSample("its label is not UTF-8") from None
