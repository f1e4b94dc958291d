"""The option `length` of data sets that draw texts: a number of characters, or a range."""

from __future__ import annotations

import re

from ctcbench.contract.errors import UsageError


def read_length(text: str, where: str) -> tuple[int, int]:
    """Return the least and the largest number of characters of ``5`` or ``4-8``.

    Raises:
        UsageError: `text` is neither; `where` begins the message.
    """
    found = re.fullmatch(r"\s*([0-9]{1,4})\s*(?:-\s*([0-9]{1,4})\s*)?", text)
    if not found:
        raise UsageError(f"{where}length={text}: allowed is a number or a range (5, 4-8)")
    fewest, most = int(found[1]), int(found[2] or found[1])
    if fewest < 1:
        raise UsageError(f"{where}length={text}: a text has at least one character")
    if fewest > most:
        raise UsageError(f"{where}length={text}: the range is backwards; did you mean {most}-{fewest}?")
    return fewest, most
