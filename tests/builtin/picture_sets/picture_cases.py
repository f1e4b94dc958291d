"""Pictures, and files of many pictures, for the tests of packed data sets."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from ctcbench.contract.errors import BadSample


def png(level: int = 0, width: int = 30, height: int = 10) -> bytes:
    """Return a picture of one grey level as a PNG file."""
    written = io.BytesIO()
    Image.new("L", (width, height), level).save(written, "PNG")
    return written.getvalue()


def bomb() -> bytes:
    """Return a PNG file of some kilobytes that claims 3.6 billion pixels."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        )

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 60_000, 60_000, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(100_000))) + chunk(b"IEND", b"")


def cut_jpeg() -> bytes:
    """Return the first half of a JPEG file."""
    written = io.BytesIO()
    Image.effect_noise((100, 40), 90).save(written, "JPEG")
    return written.getvalue()[: len(written.getvalue()) // 2]


BAD_PICTURES = {
    "a cut JPEG": (cut_jpeg(), "damaged or cut off"),
    "no bytes": (b"", "empty file"),
    "a bomb": (bomb(), "too large to be decoded safely"),
    "a text": (b"<svg></svg>", "not a picture of a known format"),
    "too wide": (png(width=20_000, height=30), "20000×30 pixels"),
}


def write_lmdb(
    folder: Path, rows: Sequence[tuple[bytes | None, bytes | None]], num: bytes | None = None
) -> Path:
    """Write an LMDB; a picture or a label that is None has no key, and ``num-samples`` has none if empty."""
    import lmdb

    folder.mkdir(parents=True, exist_ok=True)
    with (
        lmdb.open(str(folder), map_size=1 << 29) as environment,
        environment.begin(write=True) as transaction,
    ):
        for number, (picture, label) in enumerate(rows, start=1):
            if picture is not None:
                transaction.put(b"image-%09d" % number, picture)
            if label is not None:
                transaction.put(b"label-%09d" % number, label)
        if num != b"":
            transaction.put(b"num-samples", str(len(rows)).encode() if num is None else num)
    return folder


def write_parquet(file: Path, columns: Mapping[str, Any], row_group_size: int = 100, **options: Any) -> Path:
    """Write a Parquet file; a list of bytes becomes a column of structs as Hugging Face writes them."""
    import pyarrow
    import pyarrow.parquet

    struct_type = pyarrow.struct([("bytes", pyarrow.binary()), ("path", pyarrow.string())])

    def column(values: list[Any]) -> Any:
        if any(isinstance(value, bytes | tuple) for value in values):
            pairs = [value if isinstance(value, tuple | None) else (value, None) for value in values]
            rows = [None if pair is None else {"bytes": pair[0], "path": pair[1]} for pair in pairs]
            return pyarrow.array(rows, struct_type)
        return pyarrow.array(values)

    file.parent.mkdir(parents=True, exist_ok=True)
    table = pyarrow.table({name: column(values) for name, values in columns.items()})
    pyarrow.parquet.write_table(table, file, row_group_size=row_group_size, **options)
    return file


def read_all(source: Any, split: str = "train") -> dict[str, str]:
    """Return the text or the reason of each sample, by the last part of its name."""
    found = {}
    for index in range(len(source.splits[split])):
        name = source.describe(split, index).rpartition(" ")[2]
        try:
            found[name] = source.draw(split, index).text
        except BadSample as error:
            found[name] = f"! {error}"
    return found
