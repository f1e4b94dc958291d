"""decoder_key(): the file name of the result of a decoder."""

from __future__ import annotations

import hashlib
import json
import re

from ctcbench.contract.component_string import ComponentString

FILE_NAME = "up to 200 letters, digits, _ . + and -"
_HASH_LENGTH = 8
_NAME_LENGTH = 60


def decoder_key(decoder: str) -> str:
    """Return a file name for the result of a decoder: ``beam_cpp``, or ``beam_cpp-1f3a9c02`` with options.

    Args:
        decoder: a component string in its canonical form; the order of its options does not matter.

    Raises:
        UsageError: `decoder` is not a component string.
    """
    component = ComponentString.parse(decoder)
    name = component.name.lower()[:_NAME_LENGTH]
    # A name that was lowercased or shortened gets a hash as well: some file systems ignore case.
    if not component.options and name == component.name:
        return name
    # The empty list keeps the keys of earlier versions, which hashed settings of the run there.
    document = json.dumps([component.name, sorted(component.options.items()), []])
    return f"{name}-{hashlib.sha256(document.encode()).hexdigest()[:_HASH_LENGTH]}"


def is_file_name(key: str) -> bool:
    """Return True if `key` is of the form `FILE_NAME`, so that it names a file inside its folder."""
    return re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.+-]{0,199}", key) is not None
