"""LmdbStore: pictures in LMDBs, and read_index(), the labels of one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ctcbench.builtin.labelling.label_text import read_label
from ctcbench.builtin.picture_sets.row_entry import RowEntry
from ctcbench.contract.data import LONGEST_TEXT, MOST_SAMPLES
from ctcbench.contract.errors import BadSample, UsageError
from ctcbench.files.plain_files import MIB, why_not_plain

_MOST_BYTES = 1024 * MIB  # of a picture
_BYTES_PER_CHARACTER = 4  # at most, in UTF-8
# LMDB allows one environment per file in a process; sets of the same file share it.
_opened: dict[tuple[str, int, int, int], Any] = {}


class LmdbStore:
    """Pictures in LMDBs, which are mapped into memory and read one at a time."""

    def __init__(self) -> None:
        self._states: dict[Path, tuple[int, int]] = {}

    def picture(self, entry: RowEntry) -> bytes:
        """Return the content of a picture.

        Raises:
            BadSample: there is no such key, or its value is too large.
        """
        import lmdb

        key = _key("image", entry.row)
        try:
            with _environment(entry.shard).begin(buffers=True) as transaction:
                value = transaction.get(key)
                if value is None:
                    raise BadSample(f"has no key {key.decode()}")
                if len(value) > _MOST_BYTES:
                    raise BadSample(f"has {len(value):,} bytes; a picture may have {_MOST_BYTES:,} at most")
                return bytes(value)
        except lmdb.Error as error:
            raise BadSample(f"the LMDB is damaged ({error})") from error

    def state(self, entry: RowEntry) -> tuple[int, int]:
        """Return the size of the file in bytes and the time of its last change in nanoseconds."""
        if entry.shard not in self._states:
            found = data_file(entry.shard).stat()
            self._states[entry.shard] = (found.st_size, found.st_mtime_ns)
        return self._states[entry.shard]


def is_lmdb(path: Path) -> bool:
    """Return whether a path is that of an LMDB: a folder with a file ``data.mdb``, or a file of its own."""
    if path.is_dir():
        return (path / "data.mdb").is_file()
    return path.suffix.lower() in (".mdb", ".lmdb") and path.name != "lock.mdb"


def data_file(path: Path) -> Path:
    """Return the file that holds the data of an LMDB."""
    return path / "data.mdb" if path.is_dir() else path


def read_index(path: Path, prefix: str) -> Iterator[RowEntry]:
    """Yield the entries of an LMDB with their labels.

    Args:
        path: the LMDB.
        prefix: what the names of its pictures begin with.

    Raises:
        UsageError: it is none, is cut off, or has no ``num-samples`` that fits.
    """
    import lmdb

    try:
        yield from _rows(path, prefix)
    except lmdb.Error as error:
        raise UsageError(f"{path}: is damaged ({error})") from None


def _rows(path: Path, prefix: str) -> Iterator[RowEntry]:
    environment = _environment(path)
    with environment.begin(buffers=True) as transaction:
        number = _num_samples(path, transaction.get(b"num-samples"), environment.stat()["entries"])
        for row in range(1, number + 1):
            name = f"{prefix}{_key('image', row).decode()}"
            try:
                text = _label(transaction.get(key := _key("label", row)), key)
            except BadSample as error:
                yield RowEntry(name=name, text=None, reason=str(error), shard=path, row=row)
            else:
                yield RowEntry(name=name, text=text, shard=path, row=row)


def _key(kind: str, row: int) -> bytes:
    return b"%s-%09d" % (kind.encode(), row)


def _num_samples(path: Path, value: Any, entries: int) -> int:
    if value is None:
        raise UsageError(
            f"{path}: has no key num-samples; an LMDB of pictures has num-samples, and image-000000001 and "
            f"label-000000001 for the first picture"
        )
    text = bytes(value[:20])
    if not text.isdigit() or int(text) > MOST_SAMPLES:
        raise UsageError(f"{path}: num-samples is {text!r}, not a number up to {MOST_SAMPLES:,}")
    # Compared with the keys that exist, because a false number could stand for an index without end.
    if int(text) > entries:
        raise UsageError(f"{path}: num-samples is {int(text):,}, but it has {entries:,} keys")
    if int(text) == 0:
        raise UsageError(f"{path}: has no pictures (num-samples is 0)")
    return int(text)


def _label(value: Any, key: bytes) -> str:
    if value is None:
        raise BadSample(f"has no key {key.decode()}")
    if len(value) > LONGEST_TEXT * _BYTES_PER_CHARACTER:
        raise BadSample(f"its label has {len(value):,} bytes; at most {LONGEST_TEXT:,} characters count")
    try:
        return read_label(bytes(value).decode())
    except UnicodeDecodeError:
        raise BadSample("its label is not UTF-8") from None


def _environment(path: Path) -> Any:
    """Return the open LMDB at a path.

    Raises:
        UsageError: it is no LMDB, or is cut off.
    """
    import lmdb

    file = data_file(path)
    if reason := why_not_plain(file):
        raise UsageError(f"{file}: {reason}")
    found = file.stat()
    if not found.st_size:
        raise UsageError(f"{file}: is empty")
    identity = (os.path.realpath(file), found.st_ino, found.st_size, found.st_mtime_ns)
    if identity in _opened:
        return _opened[identity]
    for stale in [key for key in _opened if key[0] == identity[0]]:
        _opened.pop(stale).close()
    try:
        # Without a lock, because a lock file can't be written in a folder that is read only.
        environment = lmdb.open(
            str(path), subdir=path.is_dir(), readonly=True, lock=False, readahead=False, create=False
        )
    except lmdb.Error as error:
        raise UsageError(f"{path}: is no LMDB, or is damaged ({error})") from None
    # Reading beyond the end of a mapped file kills the process.
    needed = (environment.info()["last_pgno"] + 1) * environment.stat()["psize"]
    if found.st_size < needed:
        environment.close()
        raise UsageError(f"{path}: is cut off: {file.name} has {found.st_size:,} of {needed:,} bytes")
    _opened[identity] = environment
    return environment
