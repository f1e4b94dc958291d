"""The characters of the classes, with which constraints are written."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ..scalars import shown
from ..user_errors import InputError

ClassCharacters = Sequence[str | None]
"""The text of each class: None for the blank, and for any other class that no labelling may contain. Most
are one character; a class can also be a grapheme cluster or a token of several code points."""

_SHOWN, _SHOWN_LENGTH = 40, 80  # characters, and their code points, in an error message


def class_of_character(characters: ClassCharacters) -> Mapping[str, int]:
    """Return the class of each character.

    Raises:
        InputError: there is no list, no blank, no character, an empty one, one that two classes have, or
            something that is no text.
    """
    # Without None in front every character would be read as the class after its own.
    is_list = isinstance(characters, Iterable) and not isinstance(characters, str | Mapping)
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
            raise InputError(f"class {label} is {shown(character)}; it must be a text, or None for the blank")
        if character == "":
            raise InputError(f"class {label} has an empty text; the blank is None in the list of characters")
        if character in classes:
            raise InputError(f"classes {classes[character]} and {label} are both {character!r}")
        classes[character] = label
    if not classes:
        raise InputError("no class has a character")
    return classes


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
