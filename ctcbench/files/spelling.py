"""Texts as an alphabet writes them: spell() uses its characters, returned_text() is what decoding returns."""

from __future__ import annotations

import functools
import unicodedata

from ctcbench.contract.errors import BadSample
from ctcbench.contract.specs import Alphabet
from ctcbench.files.text import abbreviated


def spell(text: str, alphabet: Alphabet) -> str:
    """Return the Unicode NFC of `text`, written with the characters of an alphabet where that is possible.

    A character that the alphabet lacks is replaced by its canonical decomposition if the alphabet has those
    characters: ``é`` by ``e`` and an accent.
    """
    composed = unicodedata.normalize("NFC", text)
    if isinstance(alphabet.characters, str):
        return "".join(_spelled(c, alphabet) for c in composed)
    own, forms = _composed_clusters(alphabet)
    return "".join(forms.get(c) or _spelled(c, alphabet) for c in own.split(composed))


@functools.lru_cache(maxsize=8)
def _composed_clusters(alphabet: Alphabet) -> tuple[Alphabet, dict[str, str]]:
    """Return the alphabet in NFC, and its characters by their NFC: a cluster composes as a whole."""
    forms = {unicodedata.normalize("NFC", c): c for c in alphabet.characters}
    return Alphabet(tuple(forms)), forms


def returned_text(text: str, alphabet: Alphabet) -> str:
    """Return the text that decoding returns for the labelling of a text, which looks the same in a picture.

    Args:
        text: characters of the alphabet, as `spell` returns them.
        alphabet: the alphabet.

    Raises:
        BadSample: the text has no such form; the message is the reason.
        UsageError: a character is not in the alphabet.
    """
    labels = alphabet.encode(text)
    returned = alphabet.decode(labels)
    if alphabet.encode(returned) != labels:
        reason = "mixes scripts and digits in a way that a picture does not determine"
        raise BadSample(f"its label {abbreviated(text)!r} {reason}")
    return returned


def _spelled(character: str, alphabet: Alphabet) -> str:
    if not alphabet.missing(character):
        return character
    mapping = unicodedata.decomposition(character)
    if mapping and not mapping.startswith("<"):
        parts = "".join(chr(int(code, 16)) for code in mapping.split())
    else:
        parts = unicodedata.normalize("NFD", character)  # Hangul syllables have no mapping in the table
    if parts == character:
        return character
    spelled = "".join(_spelled(part, alphabet) for part in parts)
    return character if alphabet.missing(spelled) else spelled
