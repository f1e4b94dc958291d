"""clusters_of(): the grapheme clusters of a text, which readers take for its characters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from ctcbench.decoding.optional_packages import require_package

Characters = Literal["points", "clusters"]
"""What a class of a recogniser is: a code point, or a grapheme cluster."""


def clusters_of(text: str) -> Sequence[str]:
    """Return the extended grapheme clusters of a text (Unicode Standard Annex 29).

    A cluster is a letter with the marks that follow it, a syllable of an Indic script or of Hangul, or an
    emoji of several code points.

    Raises:
        UsageError: the package regex is not installed.
    """
    if text.isascii():
        return text
    found: list[str] = require_package("regex", "characters=clusters", "clusters").findall(r"\X", text)
    return found
