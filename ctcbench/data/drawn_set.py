"""A drawn set on disk: ``images.npy`` (uint8 N, C, H, W), ``widths.npy`` (int32 N), ``samples.json``."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ctcbench.contract.data import Samples

_CHUNK = 1 << 20  # bytes read at a time: the images are never all in this process's memory


class DamagedError(Exception):
    """A stored set that can't be used, for the reason given."""


class Bad(NamedTuple):
    """A sample that could not be drawn: its number, how errors call it, the reason."""

    number: int
    name: str
    reason: str


class Drawn(NamedTuple):
    """What is known of a drawn sample besides its pixels; ``width`` counts its columns."""

    number: int
    text: str
    width: int
    name: str


Report = Callable[[list[Drawn], list[Bad]], None]  # what has been drawn since the last report


@dataclass(frozen=True)
class Stored:
    """A set that was read from the cache: the good samples, mapped, and the bad ones."""

    samples: Samples
    bad: tuple[Bad, ...]


def create_images(path: Path, count: int, shape: Sequence[int]) -> int:
    """Make the file for `count` images of `shape` (C, H, W), its space reserved; return where pixels begin.

    Raises:
        OSError: the disk is full; better now than by a signal when mapped pages are written.
    """
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(
            file, {"descr": "|u1", "fortran_order": False, "shape": (count, *shape)}
        )
        offset = file.tell()
        size = count * int(np.prod(shape, dtype=np.int64))
        file.flush()
        if size and hasattr(os, "posix_fallocate"):
            os.posix_fallocate(file.fileno(), 0, offset + size)
        else:
            file.truncate(offset + size)
    return offset


def finish(
    folder: Path, offset: int, shape: Sequence[int], drawn: Sequence[Drawn], bad: Sequence[Bad]
) -> None:
    """Complete a set whose ``images.npy`` is drawn: the bad rows go, widths and the JSON come."""
    images = folder / "images.npy"
    row_bytes = int(np.prod(shape))
    if bad:
        offset = _without_bad(images, offset, shape, drawn)
    widths = np.array([row.width for row in drawn], dtype=np.int32)
    np.save(folder / "widths.npy", widths, allow_pickle=False)
    texts = [row.text for row in drawn]
    document = {
        "shape": [len(drawn), *shape],
        "bytes": {name: (folder / name).stat().st_size for name in ("images.npy", "widths.npy")},
        "fingerprint": _digest(images, offset, len(drawn) * row_bytes, shape, widths, texts),
        "texts": texts,
        "names": [row.name for row in drawn],
        "bad": [list(entry) for entry in bad],
    }
    # ASCII: a file name that is no UTF-8 has surrogates, which only escapes can carry.
    (folder / "samples.json").write_text(json.dumps(document, allow_nan=False), encoding="ascii")


def open_set(folder: Path, shape: Sequence[int], drawn: int, wanted: int) -> Stored:
    """Return the first `wanted` of the `drawn` samples in a folder, the images mapped read-only.

    Raises:
        DamagedError: a file is missing, cut off or broken, or does not fit the others (which, and how).
    """
    document = _document(folder)
    try:
        texts, names = document["texts"], document["names"]
        bad = [Bad(*entry) for entry in document["bad"]]
        total = drawn - len(bad)
        if document["shape"] != [total, *shape] or not len(texts) == len(names) == total:
            raise DamagedError("samples.json does not fit what was drawn")
        for name, size in document["bytes"].items():
            if (folder / name).stat().st_size != size:
                raise DamagedError(f"{name} is cut off")
        images = np.load(folder / "images.npy", mmap_mode="r", allow_pickle=False)
        widths = np.load(folder / "widths.npy", allow_pickle=False)
        fingerprint = str(document["fingerprint"])
    except OSError as error:
        raise DamagedError(f"{Path(str(error.filename)).name} can't be read ({error.strerror})") from error
    except (KeyError, TypeError, AttributeError) as error:
        raise DamagedError(f"samples.json lacks something ({error})") from error
    except (ValueError, EOFError) as error:
        raise DamagedError(f"broken header ({error})") from error
    if images.shape != (total, *shape) or images.dtype != np.uint8 or widths.shape != (total,):
        raise DamagedError("the arrays do not have the shape that was drawn")
    if wanted < drawn:
        bad = [entry for entry in bad if entry.number < wanted]
        kept = wanted - len(bad)
        images, widths, texts, names = images[:kept], widths[:kept], texts[:kept], names[:kept]
        offset = (folder / "images.npy").stat().st_size - total * int(np.prod(shape))
        size = kept * int(np.prod(shape))
        fingerprint = _digest(folder / "images.npy", offset, size, shape, widths, texts)
    return Stored(
        Samples(images, widths.astype(np.int32), tuple(texts), tuple(names), fingerprint), tuple(bad)
    )


def _document(folder: Path) -> Any:
    try:
        return json.loads((folder / "samples.json").read_text(encoding="ascii"))
    except OSError as error:
        raise DamagedError(f"samples.json can't be read ({error.strerror})") from error
    except ValueError as error:
        raise DamagedError(f"samples.json is broken ({error})") from error


def _without_bad(images: Path, offset: int, shape: Sequence[int], drawn: Sequence[Drawn]) -> int:
    """Rewrite the images without the rows that were not drawn; return where pixels begin."""
    row_bytes = int(np.prod(shape))
    kept = images.with_name("kept.npy")
    start = create_images(kept, len(drawn), shape)
    with images.open("rb") as source, kept.open("r+b") as target:
        target.seek(start)
        for row in drawn:
            source.seek(offset + row.number * row_bytes)
            target.write(source.read(row_bytes))
    kept.replace(images)
    return start


def _digest(
    images: Path, offset: int, size: int, shape: Sequence[int], widths: Any, texts: Sequence[str]
) -> str:
    """Return the digest of pixels, widths and texts, whatever drew them."""
    digest = hashlib.sha256(json.dumps([list(shape), list(texts)]).encode())
    digest.update(np.ascontiguousarray(widths, dtype="<i4").tobytes())
    for chunk in _chunks(images, offset, size):
        digest.update(chunk)
    return digest.hexdigest()


def _chunks(path: Path, offset: int, size: int) -> Iterator[bytes]:
    with path.open("rb") as file:
        file.seek(offset)
        while size and (chunk := file.read(min(size, _CHUNK))):
            size -= len(chunk)
            yield chunk
