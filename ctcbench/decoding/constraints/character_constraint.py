"""Constraints on the characters of a text: of all of them, or of each position."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from ..scalars import shown
from ..user_errors import InputError
from .automaton import Automaton
from .class_characters import ClassCharacters, class_of_character, in_form_of, quoted, split_characters
from .trimming import require_size


def character_automaton(characters: ClassCharacters, allowed: Iterable[str]) -> Automaton:
    """Return the automaton of all labellings of allowed characters, the empty labelling among them.

    A string is read as the longest characters that it begins with, one after the other; a list has one in
    each element. What the classes cannot write is tried in Unicode NFC and NFD.

    Raises:
        InputError: no character is allowed, something is none, no class has one of them, or `characters` has
            an error.
    """
    labels = _labels(characters, allowed, "characters")
    return Automaton(len(characters), 0, [True], [0, len(labels)], labels, [0] * len(labels))  # type: ignore[arg-type]


def position_automaton(characters: ClassCharacters, allowed: Sequence[Iterable[str]]) -> Automaton:
    """Return the automaton of the labellings whose n-th character is one of the n-th of `allowed`.

    A labelling has as many characters as `allowed` has sets, which are read as in `character_automaton`.

    Raises:
        InputError: `allowed` is no list, a set is empty or has something that is no character, no class has
            one of its characters, the automaton would be too large, or `characters` has an error.
    """
    if not isinstance(allowed, Iterable):
        raise InputError(f"positions: {shown(allowed)} is no list of sets of characters")
    sets = [_labels(characters, some, f"position {n}") for n, some in enumerate(allowed, start=1)]
    counts = [len(labels) for labels in sets]
    require_size("positions", len(sets) + 1, sum(counts))
    return Automaton(
        len(characters),
        0,
        np.arange(len(sets) + 1) == len(sets),
        np.concatenate([[0], np.cumsum(counts), [sum(counts)]]).astype(np.int64),
        np.array([label for labels in sets for label in labels], np.int32),
        np.repeat(np.arange(1, len(sets) + 1), counts).astype(np.int32),
    )


def _labels(characters: ClassCharacters, allowed: Iterable[str], owner: str) -> list[int]:
    classes = class_of_character(characters)
    if not isinstance(allowed, Iterable):
        raise InputError(f"{owner}: {shown(allowed)} is no set of characters")
    if isinstance(allowed, str):
        longest = max(map(len, classes))
        allowed = split_characters(in_form_of(classes, allowed), classes, longest)
    wanted: dict[str, None] = {}
    for character in allowed:
        if not isinstance(character, str):
            raise InputError(f"{owner}: {shown(character)} is no character")
        wanted[in_form_of(classes, character)] = None
    if missing := [character for character in wanted if character not in classes]:
        raise InputError(f"{owner}: the alphabet lacks {quoted(missing)}; leave out what it lacks")
    if not wanted:
        raise InputError(f"{owner}: no character is allowed")
    return sorted(classes[character] for character in wanted)
