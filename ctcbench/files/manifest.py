"""The manifest of a folder: a digest of every file that ctcbench wrote there, to notice later changes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from io import BufferedReader
from pathlib import Path
from typing import Annotated

from pydantic import Field

from ctcbench.contract.errors import CtcbenchError
from ctcbench.files.json_files import parse_json
from ctcbench.files.json_records import Record, read_record
from ctcbench.files.shell_words import quote_word

MANIFEST = "manifest.json"
FORMAT = "ctcbench manifest 1"
SIZE_LIMIT = 2**24  # bytes
_DIGEST_BYTES = 32

# While a file is being replaced, the manifest has the digest of the old content and that of the new one.
# So a process that is killed between the two writes leaves a folder whose files match the manifest.
Digests = Mapping[str, tuple[str, ...]]


class ManifestRecord(Record):
    """JSON document of a manifest: the BLAKE2b digests by file name."""

    format: str
    files: dict[
        Annotated[str, Field(min_length=1, max_length=500)],
        Annotated[list[Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]], Field(min_length=1, max_length=2)],
    ] = Field(max_length=100_000)


def digest(data: bytes) -> str:
    """Return the BLAKE2b digest of a file's content (Aumasson et al. 2013; RFC 7693), in hexadecimal."""
    return hashlib.blake2b(data, digest_size=_DIGEST_BYTES).hexdigest()


def digest_file(file: BufferedReader) -> str:
    """Return the `digest` of an open file, which is read in parts."""
    return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=_DIGEST_BYTES)).hexdigest()


def parse_manifest(data: bytes, path: Path) -> dict[str, tuple[str, ...]]:
    """Return the digests in a manifest, whose file is `path`.

    Raises:
        CtcbenchError: it is damaged; the message says how to write it anew.
    """
    try:
        record = read_record(ManifestRecord, parse_json(data, path), path)
        if record.format != FORMAT:
            raise CtcbenchError(f"{path}: format {record.format!r}, but this ctcbench reads {FORMAT!r}")
    except CtcbenchError as error:
        raise CtcbenchError(f"{error}; {how_to_accept(path.parent)}") from None
    return {name: tuple(digests) for name, digests in record.files.items()}


def format_manifest(digests: Digests) -> bytes:
    """Return the content of a manifest."""
    files = {name: list(digests[name]) for name in sorted(digests)}
    return (json.dumps({"format": FORMAT, "files": files}, indent=1) + "\n").encode()


def require_match(data: bytes, name: str, folder: Path, digests: Digests) -> None:
    """Compare the content of a file with the manifest of its folder.

    Raises:
        CtcbenchError: it has another digest, or the manifest does not have the file.
    """
    if name not in digests:
        raise CtcbenchError(
            f"{folder / name}: not a file that ctcbench wrote here (it is not in {MANIFEST}); remove it, "
            f"or {how_to_accept(folder)}"
        )
    if digest(data) not in digests[name]:
        raise CtcbenchError(
            f"{folder / name}: changed since ctcbench wrote it (its digest is not the one in {MANIFEST}); "
            f"restore it, or {how_to_accept(folder)}"
        )


def how_to_accept(folder: Path) -> str:
    """Return the hint how to accept the files of a folder as they are."""
    return f"accept the folder as it is: `ctcbench verify {quote_word(str(folder))} --accept`"
