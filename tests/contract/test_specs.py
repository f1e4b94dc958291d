"""Alphabet: error messages of many and of long characters."""

from __future__ import annotations

import pytest

from ctcbench.contract.errors import UsageError
from ctcbench.contract.specs import Alphabet

_CLUSTERS = tuple(chr(0x4E00 + at) + "\u0301" * 63 for at in range(300))


def test_errors_quote_little_of_long_characters_and_texts():
    with pytest.raises(UsageError, match=r"has .* more than once") as repeated:
        Alphabet(_CLUSTERS * 2)
    with pytest.raises(UsageError, match=r"which alphabet .* \(and 200 more\) lacks") as missing:
        Alphabet(_CLUSTERS).encode("".join(map(chr, range(0x5000, 0x9000))))
    assert max(len(str(error.value)) for error in (repeated, missing)) < 500
