"""LanguageModel: an n-gram model of characters or words as a guide of the beam search."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NoReturn, get_args

import numpy as np

from .. import _core
from ..constraints.class_characters import ClassCharacters, class_of_character, space_class
from ..scalars import check_finite, check_flag, check_non_negative, shown
from ..user_errors import InputError
from .ngram_model import END, SPECIAL, START, UNKNOWN, NgramModel
from .spellings import is_of_characters, match_characters, spell_words

Unit = Literal["auto", "character", "word"]
"""What the words of an n-gram model are. ``auto``: characters if each is a single code point or the text of a
class, and otherwise words."""

MOST_WEIGHT = 1000.0


class LanguageModel:
    """An n-gram model as a guide of the beam search (shallow fusion).

    The log-probability of a labelling becomes

        ln p_ctc(labelling) + weight * ln p_lm(text) + length_bonus * number of words of the model

    where p_lm(text) is the product of the probabilities of the model's words and of the end of the text
    (``</s>``), after its beginning (``<s>``). What the model lacks counts as ``<unk>``, less
    `unknown_penalty`. In a model without ``<unk>`` its probability is 1e-100, as in KenLM.

    In a model of characters, ``<space>`` is the space. A model of words reads a text as words between spaces:
    the class that is a space, ``|`` or ``▁``, the first of them that there is; without one a text is one
    word. A word counts at its end; in advance its letters count as the most probable unigram that begins with
    them, or as ``<unk>``. A word that the classes cannot write is tried in Unicode NFC and NFD.

    Attributes:
        unit: ``character`` or ``word``.
        notices: sentences about what the model and the classes do not have in common.
        used_labels: the classes that a labelling may have; the blank is none of them.
    """

    unit: Literal["character", "word"]
    notices: tuple[str, ...]
    used_labels: frozenset[int]

    def __init__(
        self,
        model: NgramModel,
        characters: ClassCharacters,
        *,
        weight: float = 0.5,
        length_bonus: float = 0.0,
        unknown_penalty: float = 10.0,
        unknown_words: bool = True,
        unit: Unit = "auto",
        spell: Callable[[str], str] | None = None,
    ) -> None:
        """Prepare the guide.

        Args:
            model: the n-gram model.
            characters: the text of each class, None for the blank.
            weight: factor of the logarithm of the model's probability.
            length_bonus: added for each word of the model in a labelling: for each character or each word.
            unknown_penalty: subtracted for each word that the model lacks.
            unknown_words: whether a labelling may have words that a model of words lacks.
            unit: what the words of the model are.
            spell: the text of a word in the order of the frames; None: as it is. Of several words with one
                text, a text has the one with the highest unigram probability.

        Raises:
            TypeError: `model` is no n-gram model, or an argument that must be a number is none.
            ValueError: a number is not finite, or negative where that is not allowed.
            InputError: a number is too large, the model has no words, none of them can be written with the
                characters, or the model is one of words and the classes are tokens that begin with ``▁``.
        """
        if unit not in get_args(Unit):
            raise InputError(f"unit is {shown(unit)}; it must be one of {', '.join(get_args(Unit))}")
        if not isinstance(model, NgramModel):
            raise TypeError(
                f"model is {shown(model)}; it must be what read_ngram_model(path) returns, or the `model` of "
                "what train_kneser_ney returns"
            )
        if spell is not None and not callable(spell):
            raise TypeError(f"spell is {shown(spell)}; it must be a function of a string that returns one")
        if all(word in SPECIAL for word in model.words):
            raise InputError(f"the language model has no words beside {', '.join(SPECIAL)}")
        fusion = _core.FusionWeights(
            _in_range("weight", check_non_negative("weight", weight)),
            _in_range("length_bonus", check_finite("length_bonus", length_bonus)),
            _in_range("unknown_penalty", check_non_negative("unknown_penalty", unknown_penalty)),
        )
        index_of = model.index_of
        special = _core.SpecialWords(*(index_of.get(word, -1) for word in (START, END, UNKNOWN)))
        compiled = _core.NgramModel(len(model.words), list(model.levels))
        classes = class_of_character(characters)
        self.used_labels = frozenset(classes.values())
        if unit == "auto":
            unit = "character" if is_of_characters(model, classes) else "word"
        self.unit = unit
        unknown_words = check_flag("unknown_words", unknown_words)
        if unit == "character":
            if not unknown_words:
                raise InputError("unknown_words=False is for models of words; this one is of characters")
            word_of_class, self.notices = match_characters(model, classes, len(characters))
            self._guide = _core.character_guide(
                compiled,
                word_of_class=word_of_class,
                ignored=[text is None for text in characters],
                special=special,
                fusion=fusion,
            )
            return
        space = space_class(classes)
        spellings, self.notices = spell_words(model, classes, space, spell or str)
        self._guide = _core.word_guide(
            compiled,
            ignored=[text is None for text in characters],
            space=space,
            offsets=np.cumsum([0, *(len(labels) for labels, _ in spellings)], dtype=np.int64),
            labels=np.array([label for labels, _ in spellings for label in labels], np.int32),
            words=np.array([index_of[word] for _, word in spellings], np.int32),
            unknown_words=unknown_words,
            special=special,
            fusion=fusion,
        )

    def as_guide(self) -> _core.Guide:
        """Return the guide in C++."""
        return self._guide

    def __reduce__(self) -> NoReturn:
        # The model in C++ has no form in bytes. That in Python is not kept, which would double the memory.
        raise TypeError(
            "a LanguageModel can't be pickled or copied: threads may share it, and another process can make "
            "one from the NgramModel, which can be pickled"
        )


def _in_range(name: str, number: float) -> float:
    if abs(number) > MOST_WEIGHT:
        least = "0" if name != "length_bonus" else f"-{MOST_WEIGHT:g}"
        raise InputError(f"{name} is {number:g}; it must be from {least} to {MOST_WEIGHT:g}")
    return number
