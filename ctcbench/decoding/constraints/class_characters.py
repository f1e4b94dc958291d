"""The characters of the classes, with which constraints are written."""

from __future__ import annotations

import itertools
import unicodedata
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ..scalars import shown
from ..user_errors import InputError

ClassCharacters = Sequence[str | None]
"""The text of each class: None for the blank, and for any other class that no labelling may contain. Most
are one character; a class can also be a grapheme cluster or a token of several code points."""

WORD_START = "\u2581"
"""The space of SentencePiece, with which tokens at the beginning of a word begin."""

_SPACES = (" ", "|", WORD_START)
_SHOWN, _SHOWN_LENGTH = 40, 80  # characters, and their code points, in an error message


def class_of_character(characters: ClassCharacters) -> Mapping[str, int]:
    """Return the class of each character.

    Raises:
        InputError: there is no list, no blank, no character, an empty one, one that two classes have, or
            something that is no text.
    """
    # A set has no order, and an iterator can be read once. Without None in front every character would be
    # read as the class after its own.
    is_list = isinstance(characters, Sequence | np.ndarray) and not isinstance(characters, str)
    if not is_list or all(character is not None for character in characters):
        raise InputError(
            f"the characters are {shown(characters)}; they must be a list with None for the blank, "
            "such as [None, *'abc']"
        )
    classes: dict[str, int] = {}
    for label, character in enumerate(characters):
        if character is None:
            continue
        if not isinstance(character, str):
            raise InputError(
                f"class {label} is {shown(character)}; it must be a string, or None for the blank"
            )
        if character == "":
            raise InputError(f"class {label} has an empty text; the blank is None in the list of characters")
        if character in classes:
            raise InputError(f"classes {classes[character]} and {label} are both {character!r}")
        classes[character] = label
    if not classes:
        raise InputError("no class has a character")
    return classes


def space_class(classes: Mapping[str, int]) -> int:
    """Return the class that separates words: a space, ``|`` or ``\u2581``; -1 for none.

    If tokens begin with ``\u2581``, as those of SentencePiece, no class does.
    """
    if word_starts(classes):
        return -1
    return next((classes[character] for character in _SPACES if character in classes), -1)


def word_starts(classes: Mapping[str, int]) -> list[str]:
    """Return the tokens that are the space before a word and the beginning of the word."""
    return [token for token in classes if len(token) > 1 and token.startswith(WORD_START)]


def in_form_of(classes: Mapping[str, int], text: str) -> str:
    """Return a text in the Unicode normal form of the classes.

    That is the text itself if classes have all of its characters; else its NFC, or else its NFD, if classes
    have all of that; else the text itself.
    """
    if text.isascii():
        return text
    longest = max(map(len, classes))
    for written in (text, unicodedata.normalize("NFC", text), unicodedata.normalize("NFD", text)):
        if all(part in classes for part in split_characters(written, classes, longest)):
            return written
    return text


def split_characters(text: str, classes: Mapping[str, int], longest: int) -> Sequence[str]:
    """Return the longest characters that a text begins with, one after the other.

    A code point that begins no character is a part of its own. `longest` is the length of the longest one.
    """
    if longest == 1:
        return text
    parts: list[str] = []
    while text:
        sizes = range(min(longest, len(text)), 1, -1)
        size = next((n for n in sizes if text[:n] in classes), 1)
        parts.append(text[:size])
        text = text[size:]
    return parts


def labels_of_characters(characters: ClassCharacters) -> NDArray[np.int32]:
    """Return the classes that have a character, ascending.

    Raises:
        InputError: as `class_of_character`.
    """
    return np.array(sorted(class_of_character(characters).values()), np.int32)


def quoted(characters: Sequence[str]) -> str:
    """Return characters for an error message; of many, only the first."""
    lengths = itertools.accumulate(len(character) for character in characters[:_SHOWN])
    # A character may be a cluster of many code points; one is always shown.
    most = max(1, sum(length <= _SHOWN_LENGTH for length in lengths))
    more = f" (and {len(characters) - most:,} more)" if len(characters) > most else ""
    return " ".join(map(shown, characters[:most])) + more
