"""character_automaton, position_automaton."""

import pytest

from ctcbench.decoding import InputError
from ctcbench.decoding.constraints import character_automaton, position_automaton
from tests.decoding.constraints.enumeration import CHARACTERS, accepted, texts


@pytest.mark.parametrize("allowed", ["a", "b1", "1b", "abc1", "aab"])
def test_allowed_characters(allowed):
    found = accepted(character_automaton(CHARACTERS, allowed))
    assert found == [text for text in texts(4) if set(text) <= set(allowed)]


@pytest.mark.parametrize("allowed", [["a"], ["ab", "1"], ["b1", "abc1", "ca"], ["a", "a", "a", "a"]])
def test_allowed_characters_of_each_position(allowed):
    found = accepted(position_automaton(CHARACTERS, allowed))
    assert found == [
        text
        for text in texts(4)
        if len(text) == len(allowed) and all(c in some for c, some in zip(text, allowed, strict=True))
    ]


def test_no_position_leaves_the_empty_text():
    assert accepted(position_automaton(CHARACTERS, [])) == [""]


def test_characters_of_several_code_points():
    characters = [None, "a", "q\u0303"]
    automaton = character_automaton(characters, ["q\u0303"])
    assert automaton.accepts([2, 2])
    assert not automaton.accepts([1])


@pytest.mark.parametrize(
    "allowed", ["\u00e9", "e\u0301", "ae\u0301", "\u00e9a", ["\u00e9"], ["e\u0301", "a"]]
)
def test_strings_with_characters_of_several_code_points(allowed):
    expected = {1, 2} if "a" in allowed else {2}
    characters = [None, "a", "e\u0301", "e"]
    assert character_automaton(characters, allowed).used_labels == expected
    assert position_automaton(characters, [allowed, "e"]).used_labels == expected | {3}


def test_characters_in_the_normal_form_of_one_code_point():
    assert character_automaton([None, "\u00e9"], ["e\u0301"]).used_labels == {1}


@pytest.mark.parametrize("allowed", [[1], ["a", None], [["a"]]])
def test_what_is_no_character(allowed):
    with pytest.raises(InputError, match=r"characters: .* is no character"):
        character_automaton(CHARACTERS, allowed)
    with pytest.raises(InputError, match=r"position 2: .* is no character"):
        position_automaton(CHARACTERS, ["a", allowed])


def test_characters_that_no_class_has():
    with pytest.raises(InputError, match="characters: the alphabet lacks 'x' 'y'; leave out what it lacks"):
        character_automaton(CHARACTERS, "axby")
    with pytest.raises(InputError, match="position 2: the alphabet lacks 'X'"):
        position_automaton(CHARACTERS, ["a", "X"])


def test_sets_without_characters():
    with pytest.raises(InputError, match="characters: no character is allowed"):
        character_automaton(CHARACTERS, "")
    with pytest.raises(InputError, match="characters: 5 is no set of characters"):
        character_automaton(CHARACTERS, 5)
    with pytest.raises(InputError, match="positions: 5 is no list of sets of characters"):
        position_automaton(CHARACTERS, 5)
    with pytest.raises(InputError, match="position 3: no character is allowed"):
        position_automaton(CHARACTERS, ["a", "b", ""])
