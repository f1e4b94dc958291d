"""Drawn samples on disk: ``images.npy`` (uint8 N, C, H, W), ``widths.npy`` (int32 N), texts and names.

The texts are in ``texts.npy`` and ``texts_bounds.npy``, the names in ``names.npy`` and ``names_bounds.npy``
(`TextColumn.save`), all else in ``samples.json``.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import InstanceOf, Strict, ValidationError

from ctcbench.contract.data import Samples
from ctcbench.contract.ragged_images import RaggedImages
from ctcbench.data.drawn_columns import DrawnColumns, DrawnSample
from ctcbench.data.image_file import join_images, keep_rows
from ctcbench.data.rejected_samples import RejectedSample
from ctcbench.files.array_files import write_array
from ctcbench.files.json_records import Record, describe_fault
from ctcbench.files.text_column import TextColumn

_CHUNK = 1 << 20  # bytes read at a time: the images are never all in this process's memory
_ARRAYS = (
    "images.npy", "widths.npy", "texts.npy", "texts_bounds.npy", "names.npy", "names_bounds.npy",
)  # fmt: skip
# pydantic's own type for text refuses surrogates, which the name of a file that is not UTF-8 holds.
_AnyText = InstanceOf[str]


class DamagedSet(Exception):
    """A stored set that can't be used; the message names the file and the fault."""


# Called with the samples since the last call: those drawn, and those rejected.
ReportBatch = Callable[[list[DrawnSample], list[RejectedSample]], None]


class SamplesRecord(Record):
    """JSON document ``samples.json`` of a stored set.

    Attributes:
        shape: shape of the images, (N, C, H, W).
        variable: whether images have widths of their own, at most W. Their pixels are then one array without
            padding, one image after the other.
        bytes: sizes of the other files by name.
        fingerprint: digest of pixels, widths and texts.
        bad: number, name and reason of each rejected sample.
    """

    shape: list[int]
    variable: bool = False
    bytes: dict[str, int]
    fingerprint: str
    # JSON has lists only, and a strict tuple refuses a list.
    bad: list[Annotated[tuple[int, _AnyText, _AnyText], Strict(False)]]


@dataclass(frozen=True)
class StoredSet:
    """A set that was read from the cache: the samples, memory-mapped, and the rejected ones."""

    samples: Samples
    rejected: tuple[RejectedSample, ...]


def finish_set(
    folder: Path,
    offset: int | None,
    shape: Sequence[int],
    drawn: DrawnColumns,
    rejected: Sequence[RejectedSample],
    parts: Sequence[Path] = (),
) -> None:
    """Complete a set whose images are drawn: write all files, and ``images.npy`` without rejected rows.

    Args:
        folder: the folder of the set.
        offset: where the pixels begin in ``images.npy``, in bytes; None: they are in `parts`.
        shape: of an image, (C, H, W); W is the greatest width.
        drawn: the samples.
        rejected: those that could not be used, in ascending order.
        parts: files with the pixels of images of their own widths, one image after the other; they are
            removed.

    Raises:
        OSError: the disk is full.
    """
    images = folder / "images.npy"
    widths = drawn.widths
    variable = offset is None
    size = pixel_bytes(shape, widths, variable)
    if offset is None:
        offset = join_images(images, parts, size)
    elif rejected:
        offset = keep_rows(images, offset, shape, drawn.numbers)
    write_array(folder / "widths.npy", widths)
    texts = drawn.texts
    texts.save(folder, "texts")
    drawn.names.save(folder, "names")
    document = {
        "shape": [len(drawn), *shape],
        **({"variable": True} if variable else {}),
        "bytes": {name: (folder / name).stat().st_size for name in _ARRAYS},
        "fingerprint": _digest(images, offset, size, shape, widths, texts),
        "bad": [list(entry) for entry in rejected],
    }
    # ASCII, because a name that is not UTF-8 holds surrogates, which only escapes can represent.
    with (folder / "samples.json").open("w", encoding="ascii") as file:
        json.dump(document, file, allow_nan=False)


def open_set(folder: Path, shape: Sequence[int], drawn: int, wanted: int) -> StoredSet:
    """Return the first `wanted` of the `drawn` samples in a folder, the images memory-mapped read-only.

    Raises:
        DamagedSet: a file is missing, cut off or broken, or does not fit the others.
    """
    stored = _read_record(folder)
    fingerprint = stored.fingerprint
    rejected = [RejectedSample(*entry) for entry in stored.bad]
    total = drawn - len(rejected)
    if stored.shape != [total, *shape]:
        raise DamagedSet("samples.json does not fit what was drawn")
    try:
        # Sizes and not digests: reading all pixels of a large set would take longer than mapping it.
        for name in _ARRAYS:
            if (folder / name).stat().st_size != stored.bytes.get(name):
                raise DamagedSet(f"{name} is cut off")
        images = np.load(folder / "images.npy", mmap_mode="r", allow_pickle=False)
        widths = np.load(folder / "widths.npy", allow_pickle=False)
        texts, names = TextColumn.open(folder, "texts"), TextColumn.open(folder, "names")
    except OSError as error:
        raise DamagedSet(f"{Path(str(error.filename)).name} can't be read ({error.strerror})") from error
    except (ValueError, EOFError) as error:
        raise DamagedSet(f"a file is broken ({error})") from error
    if not len(texts) == len(names) == total:
        raise DamagedSet("the texts do not fit what was drawn")
    size = pixel_bytes(shape, widths, stored.variable)
    expected = (size,) if stored.variable else (total, *shape)
    if images.shape != expected or images.dtype != np.uint8 or widths.shape != (total,):
        raise DamagedSet("the arrays do not have the shape that was drawn")
    if wanted < drawn:
        # The fingerprint of a part is the one that a set of `wanted` samples would have.
        rejected = [entry for entry in rejected if entry.number < wanted]
        kept = wanted - len(rejected)
        widths, texts, names = widths[:kept], texts[:kept], names[:kept]
        offset, size = images.offset, pixel_bytes(shape, widths, stored.variable)
        images = images[:size] if stored.variable else images[:kept]
        fingerprint = _digest(folder / "images.npy", offset, size, shape, widths, texts)
    widths = widths.astype(np.int32)
    samples = Samples(
        RaggedImages(images, widths, *shape[:2]) if stored.variable else images,
        widths,
        texts,
        names,
        fingerprint,
        left_out=len(rejected),
        rejected=tuple(entry.number for entry in rejected),
    )
    return StoredSet(samples, tuple(rejected))


def _read_record(folder: Path) -> SamplesRecord:
    try:
        document = json.loads((folder / "samples.json").read_text(encoding="ascii"))
        return SamplesRecord.model_validate(document)
    except OSError as error:
        raise DamagedSet(f"samples.json can't be read ({error.strerror})") from error
    # Before ValueError, which pydantic's error is as well.
    except ValidationError as error:
        raise DamagedSet(f"samples.json: {describe_fault(error)}") from error
    except (ValueError, RecursionError) as error:
        raise DamagedSet(f"samples.json is broken ({error})") from error


def pixel_bytes(shape: Sequence[int], widths: Any, variable: bool) -> int:
    """Return the size of the pixels of images with these widths, of `shape` (C, H, W)."""
    columns = int(widths.sum(dtype=np.int64)) if variable else len(widths) * shape[2]
    return columns * shape[0] * shape[1]


def _digest(
    images: Path, offset: int, size: int, shape: Sequence[int], widths: Any, texts: Sequence[str]
) -> str:
    """Return the digest of pixels, widths and texts: equal samples of any data set have the same."""
    # It identifies the images in checkpoints and stored log-probabilities, so it must not depend on the
    # machine (hence the fixed byte order) nor on the name or the options of the data set.
    digest = hashlib.sha256()
    # The JSON document [shape, texts], a text at a time.
    digest.update(f"[{json.dumps(list(shape))}, [".encode())
    for index, text in enumerate(texts):
        digest.update(f"{', ' if index else ''}{json.dumps(text)}".encode())
    digest.update(b"]]")
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
