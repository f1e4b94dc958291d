"""Constraints to the words of a list."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from .. import _core
from ..scalars import check_flag, shown
from ..user_errors import InputError
from .automaton import Automaton
from .class_characters import ClassCharacters, class_of_character, in_form_of, quoted, split_characters

_UNKNOWN = -1
_SHOWN = 60  # characters of a word in an error message


def lexicon_automaton(
    characters: ClassCharacters, words: Iterable[str], *, skip_unwritable: bool = False
) -> Automaton:
    """Return the minimal automaton of the words of a list (Daciuk et al. 2000, algorithm 1).

    If classes have several code points, a word is read as the longest characters that it begins with, one
    after the other. A word that the classes cannot write is tried in Unicode NFC and NFD.

    Args:
        characters: the text of each class.
        words: the words, in any order; repeated ones count once.
        skip_unwritable: whether words with other characters are left out. Otherwise they are an error.

    Raises:
        TypeError: `skip_unwritable` is no bool.
        InputError: `words` is one text or no list, a word is no text or has other characters, there is no
            word, none is left, or `characters` has an error.
    """
    skip_unwritable = check_flag("skip_unwritable", skip_unwritable)
    # A text would be read as a list of its characters.
    if isinstance(words, str) or not isinstance(words, Iterable):
        raise InputError(f"the lexicon is {shown(words)}; it must be a list of words")
    listed = list(words)
    for number, word in enumerate(listed, start=1):
        if not isinstance(word, str):
            raise InputError(f"word {number:,} of the lexicon is {shown(word)}; it must be a string")
    classes = class_of_character(characters)
    if not listed:
        raise InputError("the lexicon has no word")
    encode = _encode if all(len(character) == 1 for character in classes) else _encode_clusters
    labels, lengths = encode(listed, classes)
    unwritable = _unwritable(labels, lengths)
    if forms := _other_forms(listed, unwritable, classes):
        labels, lengths = encode([forms.get(i, word) for i, word in enumerate(listed)], classes)
        unwritable = _unwritable(labels, lengths)
    word_of_label = np.repeat(np.arange(len(listed)), lengths)
    if len(unwritable) and not skip_unwritable:
        raise InputError(_unwritable_message([listed[word] for word in unwritable], len(listed), classes))
    kept = np.ones(len(listed), np.bool_)
    kept[unwritable] = False
    if not kept.any():
        raise InputError(f"no word is left of {len(listed):,}: each has a character that the alphabet lacks")
    offsets = np.concatenate([[0], np.cumsum(lengths[kept])]).astype(np.int64)
    built = _core.minimal_automaton(labels[kept[word_of_label]], offsets)
    start, accepting, offsets, labels, targets = built
    return Automaton(len(characters), start, accepting.astype(np.bool_), offsets, labels, targets)


def _unwritable(labels: NDArray[np.int32], lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the indices of the words with a character of no class."""
    places = np.flatnonzero(labels == _UNKNOWN)
    return np.unique(np.searchsorted(np.cumsum(lengths), places, side="right"))


def _other_forms(
    words: Sequence[str], unwritable: NDArray[np.int64], classes: Mapping[str, int]
) -> dict[int, str]:
    """Return the words that the classes can write in another Unicode normal form, by their indices."""
    forms = ((i, in_form_of(classes, words[i])) for i in unwritable.tolist())
    return {i: form for i, form in forms if form != words[i]}


def _encode(words: Sequence[str], classes: Mapping[str, int]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Return the labels of all words in a row, -1 for other characters, and the length of each word."""
    lengths = np.array([len(word) for word in words], np.int64)
    # A lone surrogate is a code point like any other here, and no class has it.
    codes = np.frombuffer("".join(words).encode("utf-32-le", "surrogatepass"), np.uint32)
    known = np.array(sorted(map(ord, classes)), np.uint32)
    class_of = np.array([classes[chr(code)] for code in known.tolist()], np.int32)
    places = np.minimum(np.searchsorted(known, codes), len(known) - 1)
    return np.where(known[places] == codes, class_of[places], _UNKNOWN).astype(np.int32), lengths


def _encode_clusters(
    words: Sequence[str], classes: Mapping[str, int]
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    longest = max(map(len, classes))
    labels: list[int] = []
    lengths = []
    for word in words:
        parts = split_characters(word, classes, longest)
        labels += [classes.get(part, _UNKNOWN) for part in parts]
        lengths.append(len(parts))
    return np.array(labels, np.int32), np.array(lengths, np.int64)


def _unwritable_message(unwritable: Sequence[str], num_words: int, classes: Mapping[str, int]) -> str:
    points = {point for character in classes for point in character}
    missing = sorted({point for word in unwritable for point in word} - points)
    lacks = f"characters that the alphabet lacks: {quoted(missing)}" if missing else "combinations of marks"
    first = unwritable[0] if len(unwritable[0]) <= _SHOWN else f"{unwritable[0][:_SHOWN]}…"
    return f"{len(unwritable):,} of {num_words:,} words have {lacks} (the first is {first!r})"
