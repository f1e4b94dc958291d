"""How the words of an n-gram model are written with the characters of the classes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping

from ..constraints.class_characters import in_form_of, quoted, split_characters, word_starts
from ..user_errors import InputError
from .ngram_model import SPACE, SPECIAL, NgramModel

Spelling = tuple[tuple[int, ...], str]
"""The labels of a word, and the word."""


def word_of_character(character: str) -> str:
    """Return the word of a model of characters that stands for a character."""
    return SPACE if character == " " else character


def is_of_characters(model: NgramModel, characters: Collection[str] = ()) -> bool:
    """Return whether each word of a model is a code point, ``<space>`` or one of `characters`."""
    return all(
        len(word) == 1 or word == SPACE or word in characters for word in model.words if word not in SPECIAL
    )


def match_characters(
    model: NgramModel, classes: Mapping[str, int], num_classes: int
) -> tuple[list[int], tuple[str, ...]]:
    """Return the word of each class, -1 for none, and sentences about characters that are on one side only.

    Args:
        model: a model of characters.
        classes: the class of each character.
        num_classes: the number of all classes.

    Raises:
        InputError: no class has a word.
    """
    found = [-1] * num_classes
    for character, label in classes.items():
        found[label] = model.index_of.get(word_of_character(character), -1)
    matched = {model.words[word] for word in found if word >= 0}
    foreign = [word for word in model.words if word not in matched and word not in SPECIAL]
    if not matched:
        raise InputError(
            f"the language model and the alphabet have no character in common; the model has "
            f"{quoted(foreign)}"
        )
    lacking = [character for character, label in classes.items() if found[label] < 0]
    notices = []
    if foreign:
        notices.append(
            f"{len(foreign):,} of the {len(foreign) + len(matched):,} characters of the language model are "
            f"not in the alphabet, so no text has them: {quoted(foreign)}"
        )
    if lacking:
        notices.append(
            f"{len(lacking):,} of the {len(classes):,} characters of the alphabet are not in the language "
            f"model and count as unknown: {quoted(lacking)}"
        )
    return found, tuple(notices)


def require_parts_of_words(classes: Mapping[str, int]) -> None:
    """Check that words can be made of classes: that no class is a space and the beginning of a word.

    Raises:
        InputError: there are such classes.
    """
    if starts := word_starts(classes):
        raise InputError(
            "a model of words can't be used with tokens that begin with the space before a word: "
            f"{quoted(starts)}; use a model of these tokens, as train_kneser_ney makes of tokenised texts, "
            "or unit='character' if this one is"
        )


def _other_case(missing: Iterable[str], classes: Mapping[str, int]) -> str:
    """Return what to do, as the end of a sentence, if classes have the other case of the missing letters."""
    letters = [part for part in missing if part.upper() != part.lower()]
    for case in (str.upper, str.lower):
        if letters and all(case(letter) in classes for letter in letters):
            return f"; in Python, LanguageModel(…, spell=str.{case.__name__}) writes them in its case"
    return ""


def spell_words(
    model: NgramModel, classes: Mapping[str, int], space: int, spell: Callable[[str], str]
) -> tuple[list[Spelling], tuple[str, ...]]:
    """Return the spellings of a model's words, sorted, and sentences about words that have none.

    Of words with one spelling the most probable one has it: the one with the highest unigram probability, of
    equal ones the first in lexicographic order.

    Args:
        model: a model of words.
        classes: the class of each character.
        space: the class between words, -1 for none.
        spell: the text of a word in the order of the frames.

    Raises:
        InputError: no word has a spelling, or a class is the beginning of a word with its space.
    """
    require_parts_of_words(classes)
    longest = max(map(len, classes))
    words = [word for word in model.words if word not in SPECIAL]
    log_probs = dict(zip(model.words, model.levels[0].log_probs_G.tolist(), strict=True))
    spelled: dict[tuple[int, ...], str] = {}
    missing: dict[str, None] = {}
    alike: list[str] = []
    left_out = empty = 0
    for word in words:
        parts = split_characters(in_form_of(classes, spell(word)), classes, longest)
        if not parts:
            empty += 1
            continue
        lacking = [part for part in parts if part not in classes or classes[part] == space]
        if lacking:
            left_out += 1
            missing.update(dict.fromkeys(lacking))
            continue
        labels = tuple(classes[part] for part in parts)
        if (other := spelled.setdefault(labels, word)) != word:
            spelled[labels], less = sorted([word, other], key=lambda one: (-log_probs[one], one))
            alike.append(less)
    if not spelled:
        reason = f", which lacks {quoted(list(missing))}{_other_case(missing, classes)}"
        raise InputError(
            f"none of the {len(words):,} words of the language model can be written with the alphabet"
            f"{reason if missing else ': all of them are empty'}"
        )
    notices = []
    if empty:
        notices.append(
            f"no text has {empty:,} of the {len(words):,} words of the language model, because they are empty"
        )
    if left_out:
        notices.append(
            f"{left_out:,} of the {len(words):,} words of the language model can't be written with the "
            f"alphabet, which lacks {quoted(list(missing))}{_other_case(missing, classes)}"
        )
    if alike:
        notices.append(
            f"no text has {len(alike):,} of the {len(words):,} words of the language model, because another "
            f"one that is at least as probable is written alike: {quoted(alike)}"
        )
    return sorted(spelled.items()), tuple(notices)
