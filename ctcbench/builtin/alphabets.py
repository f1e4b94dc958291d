"""Alphabets as options: named sets, sums of sets, and literal characters."""

from __future__ import annotations

import difflib
import unicodedata

from ctcbench.contract.errors import UsageError
from ctcbench.contract.specs import Alphabet

_DIGITS = "0123456789"
_LOWER = "abcdefghijklmnopqrstuvwxyz"
_UPPER = _LOWER.upper()

SETS = {
    "digits": _DIGITS,
    "lower": _LOWER,
    "upper": _UPPER,
    "letters": _LOWER + _UPPER,
    "alnum": _DIGITS + _LOWER + _UPPER,
}


def read_alphabet(text: str) -> Alphabet:
    """Return the alphabet that `text` describes.

    ``digits+upper`` is a sum of named sets, in that order. A part in square brackets is literal:
    ``digits+[abcdef]``, ``[lower]`` (five letters). A text without names and brackets is literal too:
    ``ABCDEF123``. Characters are normalised to Unicode NFC.

    Raises:
        UsageError: a name is unknown, the text is close to the name of a set, a character is repeated, or
            there is none.
    """
    text = unicodedata.normalize("NFC", text)
    parts = _parts(text)
    known = [part in SETS or _bracketed(part) for part in parts]
    if all(known):
        return Alphabet("".join(SETS[part] if part in SETS else part[1:-1] for part in parts))
    unknown = [part for part, is_known in zip(parts, known, strict=True) if not is_known]
    # `uper` is more likely a misspelt name than an alphabet of four letters.
    if any(known) or any(_close(part) for part in unknown):
        wrong = unknown[0] if any(known) else next(part for part in unknown if _close(part))
        guess = f"; did you mean {_close(wrong)!r}?" if _close(wrong) else ""
        raise UsageError(
            f"alphabet {text!r}: no set {wrong!r}{guess} (sets: {', '.join(SETS)}; as characters: [{wrong}])"
        )
    return Alphabet(text)


def _parts(text: str) -> list[str]:
    """Split at each ``+`` that is not inside brackets."""
    parts, inside = [""], False
    for position, character in enumerate(text):
        if not inside and character == "+":
            parts.append("")
            continue
        if not inside and character == "[" and parts[-1] == "":
            inside = True
        elif inside and character == "]" and text[position + 1 : position + 2] in ("", "+"):
            inside = False
        parts[-1] += character
    return parts


def _bracketed(part: str) -> bool:
    return len(part) > 2 and part.startswith("[") and part.endswith("]")


def _close(part: str) -> str:
    """Return the name of the set that is nearest to `part`, or an empty text."""
    if not part.isascii() or not part.isalpha():
        return ""
    close = difflib.get_close_matches(part.lower(), SETS, n=1, cutoff=0.75)
    return close[0] if close else ""
