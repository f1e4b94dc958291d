"""Reading n-gram models from ARPA files."""

from __future__ import annotations

import contextlib
import gzip
import io
import os
import stat
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from ..user_errors import InputError
from .arpa_parser import ArpaParser
from .kenlm_file import KENLM_MAGIC
from .ngram_model import NgramModel

_CONVERT = "give the ARPA file that it was made from"
_READ = "`read_ngram_model` reads it, and `ctcbench lm convert` writes its ARPA file"
_UNPACK = "unpack it (only gzip is read)"
_FOREIGN = {
    KENLM_MAGIC: ("a binary model of KenLM", _READ),
    b"blmt": ("a binary model of IRSTLM", _CONVERT),
    b"\x1f\x9d": ("compressed by compress", _UNPACK),
    b"BZh": ("compressed by bzip2", _UNPACK),
    b"\xfd7zXZ\x00": ("compressed by xz", _UNPACK),
    b"\x28\xb5\x2f\xfd": ("compressed by Zstandard", _UNPACK),
    b"PK\x03\x04": ("a ZIP archive", _UNPACK),
    b"\x7fELF": ("a program", "give the ARPA file of a model"),
}
_GZIP = b"\x1f\x8b"


def read_arpa(path: str | os.PathLike[str]) -> NgramModel:
    """Read an n-gram model of any order from an ARPA file, which gzip may have compressed.

    Text before the line ``\\data\\`` and behind ``\\end\\`` is ignored. Words are separated by spaces or tabs
    and may hold any other character. The logarithms of the file have base 10, those of the model base e.

    Raises:
        InputError: the file can't be read, has another format, or breaks the rules of ARPA files; the
            message has the number of the line. Refused as well are more than 30 million n-grams, an order
            above 10, lines of more than 64 KiB, and more than 8 GiB of text.
    """
    with open_model_file(path) as file:
        return read_arpa_file(file, path)


@contextlib.contextmanager
def open_model_file(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Open the file of a model.

    Raises:
        InputError: it is no plain file, or can't be read.
    """
    try:
        # Checked before the file is opened: a pipe would block, and a device need not end.
        if not stat.S_ISREG(Path(path).stat().st_mode):
            raise InputError(f"{path}: is not a plain file")
        with Path(path).open("rb") as file:
            yield file
    except OSError as error:
        raise InputError(f"{path}: can't be read ({error.strerror or error})") from None
    except ValueError as error:  # a NUL in the name
        if isinstance(error, InputError):
            raise
        raise InputError(f"{path}: can't be read ({error})") from None


def parse_arpa(content: bytes, name: object) -> NgramModel:
    """Return the n-gram model in the content of an ARPA file; `name` is that of the file in errors.

    Raises:
        InputError: as `read_arpa`.
    """
    return read_arpa_file(io.BytesIO(content), name)


def read_arpa_file(file: BinaryIO, name: object) -> NgramModel:
    """Read an n-gram model from an open ARPA file; `name` is that of the file in errors.

    Raises:
        InputError: as `read_arpa`.
    """
    head = file.read(64)
    for magic, (foreign, remedy) in _FOREIGN.items():
        if head.startswith(magic):
            raise InputError(f"{name}: is {foreign}, not an ARPA file; {remedy}")
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    if not head.startswith(_GZIP):
        return ArpaParser(name, file.readline, size).parse()
    try:
        return ArpaParser(name, gzip.GzipFile(fileobj=file).readline, None).parse()
    except (EOFError, OSError, zlib.error) as error:
        raise InputError(f"{name}: its compressed data is damaged ({error})") from None
