"""Reading n-gram models from ARPA files and from binary files of KenLM."""

from __future__ import annotations

import functools
import io
import os
from typing import BinaryIO

from .arpa_reader import open_model_file, read_arpa_file
from .arpa_writer import arpa_lines
from .kenlm_file import KENLM_MAGIC
from .kenlm_reader import read_kenlm
from .ngram_model import NgramModel


def read_ngram_model(path: str | os.PathLike[str]) -> NgramModel:
    """Read an n-gram model from an ARPA file or, with the package kenlm, from a binary file of KenLM.

    A binary file is one that KenLM's `build_binary` wrote, of any type, with its vocabulary. Probabilities
    are those of the file, in float32; the logarithms to base 10 of backoff weights can be wrong by the
    rounding error of float32. KenLM does not check all of the file: read only files that you trust.

    Raises:
        InputError: as `read_arpa`; or a binary file is of another version, not complete, damaged, has no
            vocabulary, or needs more than a hundred million queries of KenLM, as from some 10,000 words.
        UsageError: the file is a binary one, and kenlm is not installed.
    """
    with open_model_file(path) as file:
        return _read(file, path)


@functools.lru_cache(maxsize=1)
def kenlm_to_arpa(content: bytes, name: object) -> bytes:
    """Return the content of a file; if it is a binary file of KenLM, that of the model's ARPA file.

    The last result is cached, because a conversion can take minutes.

    Raises:
        InputError: as `read_ngram_model`, of a binary file.
        UsageError: as `read_ngram_model`.
    """
    if not content.startswith(KENLM_MAGIC):
        return content
    return "".join(arpa_lines(read_kenlm(io.BytesIO(content), name))).encode()


def _read(file: BinaryIO, name: object) -> NgramModel:
    head = file.read(len(KENLM_MAGIC))
    file.seek(0)
    return read_kenlm(file, name) if head == KENLM_MAGIC else read_arpa_file(file, name)
