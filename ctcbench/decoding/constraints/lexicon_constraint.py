"""Constraints to the words of a list."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from .. import _core
from ..scalars import shown
from ..user_errors import InputError
from .automaton import Automaton
from .class_characters import ClassCharacters, class_of_character, quoted

_UNKNOWN = -1
_SHOWN = 60  # characters of a word in an error message


def lexicon_automaton(
    characters: ClassCharacters, words: Iterable[str], *, skip_unwritable: bool = False
) -> Automaton:
    """Return the minimal automaton of the words of a list (Daciuk et al. 2000, algorithm 1).

    If classes have several code points, a word is read as the longest characters that it begins with, one
    after the other.

    Args:
        characters: the text of each class.
        words: the words, in any order; repeated ones count once.
        skip_unwritable: whether words with other characters are left out. Otherwise they are an error.

    Raises:
        InputError: `words` is one text or no list, a word is no text or has other characters, there is no
            word, none is left, or `characters` has an error.
    """
    # A text would be read as a list of its characters.
    if isinstance(words, str) or not isinstance(words, Iterable):
        raise InputError(f"the lexicon is {shown(words)}; it must be a list of words")
    listed = list(words)
    for number, word in enumerate(listed, start=1):
        if not isinstance(word, str):
            raise InputError(f"word {number:,} of the lexicon is {shown(word)}; it must be a text")
    classes = class_of_character(characters)
    if not listed:
        raise InputError("the lexicon has no word")
    if all(len(character) == 1 for character in classes):
        labels, lengths = _encode(listed, classes)
    else:
        labels, lengths = _encode_clusters(listed, classes)
    word_of_label = np.repeat(np.arange(len(listed)), lengths)
    unwritable = np.unique(word_of_label[labels == _UNKNOWN])
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
        position, begin = 0, len(labels)
        while position < len(word):
            sizes = range(min(longest, len(word) - position), 0, -1)
            size = next((n for n in sizes if word[position : position + n] in classes), 1)
            labels.append(classes.get(word[position : position + size], _UNKNOWN))
            position += size
        lengths.append(len(labels) - begin)
    return np.array(labels, np.int32), np.array(lengths, np.int64)


def _unwritable_message(unwritable: Sequence[str], num_words: int, classes: Mapping[str, int]) -> str:
    points = {point for character in classes for point in character}
    missing = sorted({point for word in unwritable for point in word} - points)
    lacks = f"characters that the alphabet lacks: {quoted(missing)}" if missing else "combinations of marks"
    first = unwritable[0] if len(unwritable[0]) <= _SHOWN else f"{unwritable[0][:_SHOWN]}…"
    return f"{len(unwritable):,} of {num_words:,} words have {lacks} (the first is {first!r})"
