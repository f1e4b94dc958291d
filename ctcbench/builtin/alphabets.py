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

    A sum of parts, each the name of a set (``digits+upper``) or characters in square brackets
    (``digits+[abcdef]``, ``[lower]`` for the five letters), is that sum, in its order. Any other text
    is a literal: its characters (``ABCDEF123``); but one that is nearly a set's name is taken for a
    slip. Characters are composed (Unicode NFC).

    Raises:
        UsageError: a name is misspelt, a character stands there twice, or there is none.
    """
    text = unicodedata.normalize("NFC", text)
    parts = _parts(text)
    known = [part in SETS or _bracketed(part) for part in parts]
    if all(known):
        return Alphabet("".join(SETS[part] if part in SETS else part[1:-1] for part in parts))
    slips = [part for part, is_known in zip(parts, known, strict=True) if not is_known]
    if any(known) or any(_close(part) for part in slips):
        slip = slips[0] if any(known) else next(part for part in slips if _close(part))
        guess = f"; did you mean {_close(slip)!r}?" if _close(slip) else ""
        raise UsageError(
            f"alphabet {text!r}: no set {slip!r}{guess} (sets: {', '.join(SETS)}; as characters: [{slip}])"
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
