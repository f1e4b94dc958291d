"""decoder_key(): what the result of a decoder is called on disk."""

from __future__ import annotations

import hashlib
import json
import re

from ctcbench.contract.component_string import ComponentString

FILE_NAME = "up to 200 letters, digits, _ . + and -"
_HASH_LENGTH = 8
_NAME_LENGTH = 60


def decoder_key(decoder: str, **settings: str | int | float | bool | None) -> str:
    """Return a file name for the result of a decoder: ``beam_cpp``, or ``beam_cpp-1f3a9c02`` with options.

    Args:
        decoder: a component string, best in its canonical form; the options' order does not matter.
        settings: whatever else changes what the decoder reads (``blank_penalty=2.0``); None is left out.

    Raises:
        UsageError: `decoder` is not a component string.
    """
    component = ComponentString.parse(decoder)
    name = component.name.lower()[:_NAME_LENGTH]
    given = {key: value for key, value in settings.items() if value is not None}
    # A name that had to be changed is told apart by its hash: some file systems see no case.
    if not component.options and not given and name == component.name:
        return name
    document = json.dumps([component.name, sorted(component.options.items()), sorted(given.items())])
    return f"{name}-{hashlib.sha256(document.encode()).hexdigest()[:_HASH_LENGTH]}"


def is_file_name(key: str) -> bool:
    """Return whether `key`, being `FILE_NAME`, can name a file in a run folder and nothing outside of it."""
    return re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.+-]{0,199}", key) is not None
