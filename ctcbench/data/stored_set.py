"""Drawn samples on disk: ``images.npy`` (uint8 M, C, H, W), ``widths.npy`` (int32 N), texts and names.

The texts are in ``texts.npy`` and ``texts_bounds.npy``, the names in ``names.npy`` and ``names_bounds.npy``
(`TextColumn.save`), all else in ``samples.json``. If samples repeat others, ``rows.npy`` (int32 N) has the
row of each in the images (`PixelLayout`); without this file sample i is in row i.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import InstanceOf, Strict, ValidationError

from ctcbench.contract.data import Samples, SplitName
from ctcbench.data.drawn_columns import DrawnColumns, DrawnSample
from ctcbench.data.image_file import join_images, keep_rows
from ctcbench.data.pixel_layout import PixelLayout, are_rows
from ctcbench.data.rejected_samples import RejectedSample
from ctcbench.data.sample_rows import SampleRows
from ctcbench.files.array_files import write_array
from ctcbench.files.byte_rows import map_array
from ctcbench.files.json_records import Record, describe_fault
from ctcbench.files.text_column import TextColumn

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
        shape: shape of the images of all samples, (N, C, H, W).
        distinct: number M of stored images, if samples repeat others; else None.
        variable: whether images have widths of their own, at most W. Their pixels are then one array without
            padding, one image after the other.
        bytes: sizes of the other files by name.
        fingerprint: digest of pixels, widths and texts.
        bad: number, name and reason of each rejected sample.
    """

    shape: list[int]
    distinct: int | None = None
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

    def rejects_foreign_texts(self, split: SplitName) -> bool:
        """Return whether samples are rejected for their characters that are scored now, as errors.

        Earlier versions rejected those of all splits, and not only of training.
        """
        return split != "train" and any(entry.is_foreign for entry in self.rejected)


def finish_set(
    folder: Path,
    offset: int | None,
    shape: tuple[int, int, int],
    rows: SampleRows,
    drawn: DrawnColumns,
    rejected: Iterable[RejectedSample],
    parts: Sequence[Path] = (),
) -> None:
    """Complete a set whose images are drawn: write all files, and ``images.npy`` without rejected rows.

    Args:
        folder: the folder of the set.
        offset: where the pixels begin in ``images.npy``, in bytes; None: they are in `parts`.
        shape: of an image, (C, H, W); W is the greatest width.
        rows: the rows of the images of all samples.
        drawn: the first sample of each row.
        rejected: those of these that could not be used.
        parts: files with the pixels of images of their own widths, one image after the other; they are
            removed.

    Raises:
        OSError: the disk is full.
    """
    images = folder / "images.npy"
    kept_M, rejected = rows.of(drawn.numbers), rows.repeated(rejected)
    rows_N = rows.among(kept_M)
    widths, texts, names = drawn.widths, drawn.texts, drawn.names
    if rows_N is not None:
        write_array(folder / "rows.npy", rows_N.astype("<i4"))
        widths = widths[rows_N]
        texts, names = (TextColumn.of(column[row] for row in rows_N.data) for column in (texts, names))
    layout = PixelLayout(shape, offset is None, widths, rows_N)
    if offset is None:
        offset = join_images(images, parts, layout.size)
    elif rejected:
        offset = keep_rows(images, offset, shape, kept_M)
    write_array(folder / "widths.npy", widths)
    texts.save(folder, "texts")
    names.save(folder, "names")
    document = {
        "shape": [len(texts), *shape],
        **({} if rows_N is None else {"distinct": len(drawn)}),
        **({"variable": True} if layout.variable else {}),
        "bytes": {name: (folder / name).stat().st_size for name in _arrays(rows_N is not None)},
        "fingerprint": _digest(layout, images, offset, texts),
        "bad": [list(entry) for entry in rejected],
    }
    # ASCII, because a name that is not UTF-8 holds surrogates, which only escapes can represent.
    with (folder / "samples.json").open("w", encoding="ascii") as file:
        json.dump(document, file, allow_nan=False)


def open_set(folder: Path, shape: tuple[int, int, int], drawn: int, wanted: int) -> StoredSet:
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
        for name in _arrays(stored.distinct is not None):
            if (folder / name).stat().st_size != stored.bytes.get(name):
                raise DamagedSet(f"{name} is cut off")
        array = np.load(folder / "images.npy", mmap_mode="r", allow_pickle=False)
        widths = np.load(folder / "widths.npy", allow_pickle=False)
        rows = None if stored.distinct is None else map_array(folder / "rows.npy", "<i4")
        texts, names = TextColumn.open(folder, "texts"), TextColumn.open(folder, "names")
    except OSError as error:
        raise DamagedSet(f"{Path(str(error.filename)).name} can't be read ({error.strerror})") from error
    except (ValueError, EOFError) as error:
        raise DamagedSet(f"a file is broken ({error})") from error
    if not len(texts) == len(names) == total:
        raise DamagedSet("the texts do not fit what was drawn")
    if widths.shape != (total,) or not _fits(rows, total, stored.distinct):
        raise DamagedSet("the arrays do not have the shape that was drawn")
    layout = PixelLayout(shape, stored.variable, widths.astype(np.int32), rows)
    if array.shape != layout.array_shape or array.dtype != np.uint8:
        raise DamagedSet("the arrays do not have the shape that was drawn")
    if wanted < drawn:
        # The fingerprint of a part is the one that a set of `wanted` samples would have.
        rejected = [entry for entry in rejected if entry.number < wanted]
        kept = wanted - len(rejected)
        layout, texts, names = layout.first(kept), texts[:kept], names[:kept]
        fingerprint = _digest(layout, folder / "images.npy", array.offset, texts)
    samples = Samples(
        layout.images(array),
        layout.widths_N,
        texts,
        names,
        fingerprint,
        left_out=len(rejected),
        rejected=tuple(entry.number for entry in rejected),
    )
    return StoredSet(samples, tuple(rejected))


def _arrays(repeated: bool) -> tuple[str, ...]:
    """Return the names of the files with arrays; `repeated`: whether samples repeat others."""
    return (*_ARRAYS, "rows.npy") if repeated else _ARRAYS


def _fits(rows_N: NDArray[np.int32] | None, total: int, distinct: int | None) -> bool:
    """Return whether `rows_N` are the rows of `total` samples in `distinct` stored images."""
    return rows_N is None or distinct is None or (len(rows_N) == total and are_rows(rows_N, distinct))


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


def _digest(layout: PixelLayout, images: Path, offset: int, texts: Sequence[str]) -> str:
    """Return the digest of pixels, widths and texts: equal samples of any data set have the same."""
    # It identifies the images in checkpoints and stored log-probabilities, so it must not depend on the
    # machine (hence the fixed byte order), nor on the name or the options of the data set, nor on whether
    # images that are repeated are stored once.
    digest = hashlib.sha256()
    # The JSON document [shape, texts], a text at a time.
    digest.update(f"[{json.dumps(list(layout.shape))}, [".encode())
    for index, text in enumerate(texts):
        digest.update(f"{', ' if index else ''}{json.dumps(text)}".encode())
    digest.update(b"]]")
    digest.update(np.ascontiguousarray(layout.widths_N, dtype="<i4").tobytes())
    for pixels in layout.read(images, offset):
        digest.update(pixels)
    return digest.hexdigest()
