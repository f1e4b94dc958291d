"""The rules that every label obeys, wherever it comes from: a list, a file beside the picture, a name."""

from __future__ import annotations

import re
import unicodedata

from ctcbench.contract.data import LONGEST_TEXT
from ctcbench.contract.errors import BadSample

# What str.splitlines() takes for the end of a line, the tab, and NUL.
_BREAKS = re.compile("[\x00\t\n\x0b\x0c\r\x1c-\x1e\x85\u2028\u2029]")


def read_label(text: str) -> str:
    """Return `text` as a label, in Unicode NFC.

    Raises:
        BadSample: it is blank, too long, is not valid Unicode, or has a line break, a tab or a NUL.
    """
    # Before the normalisation, which takes long for such a text.
    if len(text) > LONGEST_TEXT:
        raise BadSample(f"its label has {len(text):,} characters; at most {LONGEST_TEXT:,} are allowed")
    if not text.strip():
        raise BadSample("its label is empty")
    if found := _BREAKS.search(text):
        raise BadSample(f"its label has the character {found[0]!r}; a label is one line without tabs")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise BadSample(f"its label is not valid Unicode ({text[error.start]!r})") from None
    # Some file systems store an accent as a character of its own, which would be a class of its own.
    return unicodedata.normalize("NFC", text)
