"""The metadata of a safetensors file: the JSON document that ctcbench stores beside the tensors."""

from __future__ import annotations

from typing import Any

from ctcbench.files.json_files import loads

_LARGEST = 100_000_000  # bytes of a header, the limit of the library too


def read_metadata(data: bytes) -> dict[str, Any]:
    """Return the JSON object under ``document`` in the metadata; an empty one if there is none.

    Args:
        data: the content of the file. Its first 8 bytes are the size of the JSON header, little endian;
            the tensors follow after the header.

    Raises:
        ValueError: the header or the object is damaged, cut off or too large.
        RecursionError: one of them is nested too deeply.
    """
    size = int.from_bytes(data[:8], "little")
    if len(data) < 8 or size > min(_LARGEST, len(data) - 8):
        raise ValueError(f"a header of {size:,} bytes in a file of {len(data):,}")
    header = loads(data[8 : 8 + size])
    metadata = header.get("__metadata__", {}) if isinstance(header, dict) else None
    text = metadata.get("document", "{}") if isinstance(metadata, dict) else None
    document = loads(text.encode()) if isinstance(text, str) else None
    if not isinstance(document, dict):
        raise ValueError("the metadata holds no JSON object")
    return document
