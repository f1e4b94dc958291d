"""The texts of the classes: what is refused, Unicode normal forms, and the class between words."""

import unicodedata

import numpy as np
import pytest

from ctcbench.decoding import Hotwords, InputError, LanguageModel, beam_search, train_kneser_ney
from ctcbench.decoding.constraints import character_automaton, lexicon_automaton
from ctcbench.decoding.constraints.class_characters import class_of_character, in_form_of, space_class

COMPOSED, DECOMPOSED = "café", unicodedata.normalize("NFD", "café")
# Classes with é as one code point, as one class of two, and as two classes.
FORMS = [[None, *"caf", "é"], [None, *"caf", "e\u0301"], [None, *"cafe", "\u0301"]]


@pytest.mark.parametrize("characters", [{None, "a"}, iter([None, "a"]), {0: None, 1: "a"}, "a", None, 3])
def test_what_is_no_list_is_refused(characters):
    with pytest.raises(InputError, match="they must be a list with None for the blank"):
        class_of_character(characters)


def test_an_array_is_a_list():
    assert class_of_character(np.array(["a", None, "b"], dtype=object)) == {"a": 0, "b": 2}


@pytest.mark.parametrize("word", [COMPOSED, DECOMPOSED])
@pytest.mark.parametrize("characters", FORMS)
def test_words_are_found_in_either_normal_form(characters, word):
    labels = tuple(range(1, len(characters))) if len(characters) == 5 else (1, 2, 3, 4, 5)
    assert lexicon_automaton(characters, ["caf", word]).accepts(labels)
    frames_TK = np.full((2 * len(labels), len(characters)), np.log(1 / len(characters)))
    hotwords = Hotwords([word], characters, boost=20)
    assert beam_search(frames_TK, beam_width=400, guide=hotwords)[0].labels[-len(labels) :] == labels
    model = LanguageModel(train_kneser_ney([[word]], 2).model, characters, unknown_words=False)
    assert model.notices == ()
    assert beam_search(frames_TK, beam_width=400, guide=model)[0].labels == labels


def test_a_text_that_can_be_written_keeps_its_form():
    both = class_of_character([None, "e", "\u0301", "é"])
    assert [in_form_of(both, text) for text in ("é", "e\u0301")] == ["é", "e\u0301"]
    assert in_form_of(both, "e\u0301x") == "e\u0301x"  # in no form
    assert character_automaton(FORMS[0], "e\u0301f").used_labels == {3, 4}


@pytest.mark.parametrize(
    ("characters", "separator"),
    [
        ([None, "|", "a", " "], " "),
        ([None, "a", "\u2581", "|"], "|"),
        ([None, "a", "\u2581"], "\u2581"),
        ([None, "a", "b"], None),
        ([None, "\u2581", "\u2581a", "a"], None),
    ],
)
def test_the_class_between_words(characters, separator):
    classes = class_of_character(characters)
    assert space_class(classes) == (-1 if separator is None else classes[separator])
