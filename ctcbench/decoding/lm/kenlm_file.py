"""The header and the vocabulary of binary model files of KenLM, which its `build_binary` writes."""

from __future__ import annotations

import io
import re
import struct
from typing import BinaryIO

from ..scalars import shown
from ..user_errors import InputError
from .arpa_parser import HIGHEST_ORDER, MOST_NGRAMS, MOST_VOCABULARY
from .ngram_model import UNKNOWN

KENLM_MAGIC = b"mmap lm http://kheafield.com/code"
_REMEDY = (
    "give the ARPA file that it was made from, or build it from that again with the present build_binary"
)
_VERSION = 5
# The magic line, and values that differ on a machine with other types or another byte order.
_REFERENCE = struct.pack(
    "<56s3f3IQ", b"%s format version %d\n" % (KENLM_MAGIC, _VERSION), 0.0, 1.0, -0.5, 1, 2**32 - 1, 0, 1
)
# The order, the size of the hash tables, the type, whether there is a vocabulary, the version of the type.
_PARAMETERS = struct.Struct("<B3xfi?3xI")
_NUM_TYPES = 6
_LARGEST_TABLE = 1000.0  # times the number of n-grams; `build_binary -p` has 1.5


def read_kenlm_counts(file: BinaryIO, name: object) -> tuple[int, ...]:
    """Read the header of a file, and return the number of n-grams of each order, from 1.

    `name` is the name of the file in errors.

    Raises:
        InputError: the file is of another version or machine, has no vocabulary, or is damaged or too large.
    """
    head = file.read(len(_REFERENCE))
    version = re.match(rb"%s format version (\d{1,9})\n" % re.escape(KENLM_MAGIC), head)
    if head.startswith(KENLM_MAGIC + b" incomplete"):
        raise InputError(f"{name}: is not complete: KenLM's build_binary did not finish; build it again")
    if version and int(version[1]) != _VERSION:
        raise InputError(
            f"{name}: is a KenLM binary of format version {int(version[1])}; version "
            f"{_VERSION} is read; {_REMEDY}"
        )
    parameters = file.read(_PARAMETERS.size)
    if len(parameters) < _PARAMETERS.size:
        raise InputError(f"{name}: the file ends in its header; it is not complete")
    if head != _REFERENCE:
        raise InputError(
            f"{name}: is a KenLM binary of a machine with other types or another byte order; {_REMEDY}"
        )
    order, table, kind, has_vocabulary, _ = _PARAMETERS.unpack(parameters)
    if not 2 <= order <= HIGHEST_ORDER:
        raise InputError(
            f"{name}: the header states order {order}; orders from 2 to {HIGHEST_ORDER} are supported"
        )
    # KenLM computes from these how much memory it takes, without a check.
    if kind not in range(_NUM_TYPES) or not 1 <= table <= _LARGEST_TABLE:
        raise InputError(f"{name}: its header is damaged")
    counts = file.read(8 * order)
    if len(counts) < 8 * order:
        raise InputError(f"{name}: the file ends in its header; it is not complete")
    found = struct.unpack(f"<{order}Q", counts)
    if sum(found) > MOST_NGRAMS:
        raise InputError(
            f"{name}: the header states {sum(found):,} n-grams; at most {MOST_NGRAMS:,} are "
            f"supported; prune the model"
        )
    if not has_vocabulary:
        raise InputError(
            f"{name}: has no vocabulary (build_binary -v leaves it out), which is necessary; {_REMEDY}"
        )
    return found


def read_kenlm_vocabulary(file: BinaryIO, size: int, name: object) -> tuple[str, ...]:
    """Read the words at the end of a file, in the order of KenLM's indices: the first is ``<unk>``.

    `size` is the number of unigrams by the header.

    Raises:
        InputError: they are not complete, not UTF-8, or too long.
    """
    end = file.seek(0, io.SEEK_END)
    # Each word ends with NUL. Their size in bytes is not stored, so ever longer ends of the file are read.
    length = 2**16
    while True:
        length = min(length, end)
        file.seek(end - length)
        texts = file.read(length).rsplit(b"\0", size + 1)
        if len(texts) == size + 2 or length == end:
            break
        if length > MOST_VOCABULARY:
            raise InputError(f"{name}: the words have more than {MOST_VOCABULARY:,} bytes")
        length *= 4
    # Files with hash tables do not count <unk> if the ARPA file lacked it.
    counts = (size, size + 1)
    known = next((texts[-count:-1] for count in counts if _follows_unknown(texts, count)), None)
    if known is None:
        raise InputError(f"{name}: does not end with the words that its header counts; it is not complete")
    try:
        return (UNKNOWN, *(word.decode() for word in known))
    except UnicodeDecodeError as error:
        raise InputError(
            f"{name}: the word {shown(error.object.decode(errors='replace'))} is not UTF-8"
        ) from None


def _follows_unknown(texts: list[bytes], count: int) -> bool:
    """Return whether `texts` end with `count` words, the first of them ``<unk>``, and with an empty text."""
    return not texts[-1] and len(texts) > count and texts[-count - 1].endswith(UNKNOWN.encode())
