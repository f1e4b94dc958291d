"""write_set(): samples as files that other programs read: PNG files with a list, an LMDB, a Parquet file."""

from __future__ import annotations

import contextlib
import io
import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ctcbench.contract.data import Samples
from ctcbench.contract.errors import UsageError
from ctcbench.decoding.optional_packages import require_package
from ctcbench.files.locks import lock
from ctcbench.files.set_formats import SetFormat

_ROWS = 100  # of a row group: a reader decodes a whole one to get at any of its pictures
_KEYS = 1000  # of a transaction
_OVERHEAD = 3 * 4096  # bytes of an LMDB for each picture beyond its content
_DRAFT = ".tmp"


def write_set(samples: Samples, folder: Path, split: str, format_: SetFormat) -> Path:
    """Write the samples of a split below a folder, and return the path of what was written.

    ``png`` is a folder ``SPLIT/`` of pictures with ``labels.csv``; ``lmdb`` an LMDB ``SPLIT/``; ``parquet``
    a file ``SPLIT-00000-of-00001.parquet``. The data sets ``folder``, ``lmdb`` and ``parquet`` read these
    with the pixels and texts that were written, if they are given the size of the images.

    Raises:
        UsageError: the files exist already or can't be written, or a text can't be a label.
    """
    for name, text in zip(samples.names, samples.texts, strict=True):
        if not text.strip() or text.splitlines() != [text] or "\t" in text or "\0" in text:
            raise UsageError(f"{name}: its text {text!r} can't be a label: one line, not blank, without tabs")
    final = folder / (f"{split}-00000-of-00001.parquet" if format_ == "parquet" else split)
    if final.exists():
        raise UsageError(f"{final}: exists already; remove it, or write to another folder")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _draft(folder, final.name) as draft:
            _WRITERS[format_](samples, draft)
            if final.exists():  # by another process meanwhile
                raise UsageError(f"{final}: exists already; remove it, or write to another folder")
            # Complete files only: a part of a set would be read as a smaller one.
            draft.rename(final)
    except OSError as error:
        raise UsageError(
            f"{error.filename or folder}: can't be written ({error.strerror or error})"
        ) from error
    return final


@contextlib.contextmanager
def _draft(folder: Path, name: str) -> Iterator[Path]:
    """Yield a path for a draft of a set, in a new folder of this process, which is removed at the end.

    Those of processes that died are removed as well. A living one holds the lock of its folder.
    """
    for stale in folder.glob(f".{name}-*{_DRAFT}"):
        with contextlib.suppress(UsageError), lock(stale / "lock", wait=False, what="removing a draft"):
            shutil.rmtree(stale, ignore_errors=True)
    own = Path(tempfile.mkdtemp(prefix=f".{name}-", suffix=_DRAFT, dir=folder))
    try:
        with lock(own / "lock", wait=False, what="writing a set"):
            yield own / name
    finally:
        shutil.rmtree(own, ignore_errors=True)


def _pictures(samples: Samples) -> Iterator[tuple[bytes, str]]:
    """Yield each image as a PNG file without its padding, and its text."""
    from PIL import Image

    for image_CHW, width, text in zip(samples.images_NCHW, samples.widths_N, samples.texts, strict=True):
        pixels = np.ascontiguousarray(image_CHW[:, :, :width].transpose(1, 2, 0))
        image = Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)
        image.save(written := io.BytesIO(), format="PNG")
        yield written.getvalue(), text


def _write_pngs(samples: Samples, folder: Path) -> None:
    folder.mkdir()
    digits = len(str(len(samples)))
    # Quoted, because spaces around a bare cell are not part of it.
    with (folder / "labels.csv").open("w", encoding="utf-8", newline="\n") as labels:
        labels.write("file,label\n")
        for number, (picture, text) in enumerate(_pictures(samples)):
            name = f"{number:0{digits}}.png"
            (folder / name).write_bytes(picture)
            labels.write('{},"{}"\n'.format(name, text.replace('"', '""')))


def _write_lmdb(samples: Samples, folder: Path) -> None:
    lmdb = require_package("lmdb", "--format lmdb", "lmdb")
    folder.mkdir()
    # An address range and not the size of the file, which grows as it is needed.
    most = 2 * samples.images_NCHW.nbytes + len(samples) * _OVERHEAD + 2**26
    with _disk_errors(lmdb, folder), lmdb.open(str(folder), map_size=most, lock=False) as environment:
        rows: list[tuple[bytes, bytes]] = [(b"num-samples", str(len(samples)).encode())]
        for number, (picture, text) in enumerate(_pictures(samples), start=1):
            rows += [(b"image-%09d" % number, picture), (b"label-%09d" % number, text.encode())]
            if len(rows) >= _KEYS or number == len(samples):
                with environment.begin(write=True) as transaction:
                    for key, value in rows:
                        transaction.put(key, value)
                rows = []


@contextlib.contextmanager
def _disk_errors(lmdb: Any, folder: Path) -> Iterator[None]:
    """Raise the errors of LMDB, such as that of a full disk, as OSError."""
    try:
        yield
    except lmdb.Error as error:
        raise OSError(None, str(error).removeprefix(f"{folder}: "), str(folder)) from error


def _write_parquet(samples: Samples, file: Path) -> None:
    require_package("pyarrow.parquet", "--format parquet", "parquet")
    import pyarrow
    import pyarrow.parquet

    picture = pyarrow.struct([("bytes", pyarrow.binary()), ("path", pyarrow.string())])
    # With it, the package datasets decodes the column.
    features = {"image": {"_type": "Image"}, "label": {"dtype": "string", "_type": "Value"}}
    schema = pyarrow.schema(
        [("image", picture), ("label", pyarrow.string())],
        metadata={"huggingface": json.dumps({"info": {"features": features}})},
    )
    with pyarrow.parquet.ParquetWriter(file, schema) as writer:
        rows: list[dict[str, Any]] = []
        for number, (content, text) in enumerate(_pictures(samples), start=1):
            rows.append({"image": {"bytes": content, "path": f"{number:09}.png"}, "label": text})
            if len(rows) == _ROWS or number == len(samples):
                writer.write_table(pyarrow.Table.from_pylist(rows, schema=schema))
                rows = []


_WRITERS: dict[SetFormat, Callable[[Samples, Path], None]] = {
    "png": _write_pngs,
    "lmdb": _write_lmdb,
    "parquet": _write_parquet,
}
