"""length_automaton, parse_length."""

import numpy as np
import pytest

from ctcbench.decoding import InputError
from ctcbench.decoding.constraints import length_automaton, parse_length
from tests.decoding.constraints.enumeration import CHARACTERS, accepted, texts


@pytest.mark.parametrize("least", range(4))
@pytest.mark.parametrize("most", [0, 1, 2, 3, 4, None])
def test_it_accepts_the_lengths_between_the_limits(least, most):
    if most is not None and most < least:
        with pytest.raises(InputError, match="must not be the larger"):
            length_automaton(CHARACTERS, least, most)
        return
    longest = 5 if most is None else most
    found = accepted(length_automaton(CHARACTERS, least, most), 5)
    assert found == [text for text in texts(5) if least <= len(text) <= longest]


def test_classes_without_a_character_are_no_labels():
    automaton = length_automaton(["a", None, "b", None], 1, 1)
    assert automaton.classes == 4
    assert [label for label in range(4) if automaton.accepts([label])] == [0, 2]


def test_sizes():
    assert length_automaton(CHARACTERS, 10_000, 10_000).num_states == 10_001
    assert length_automaton(CHARACTERS).num_states == 1
    assert np.array_equal(length_automaton(CHARACTERS, 3).shortest(), [3, 2, 1, 0])
    many = [None, *map(chr, range(0x4E00, 0x4E00 + 6000))]
    with pytest.raises(InputError, match="more than 50,000,000 edges"):
        length_automaton(many, 10_000, 10_000)


@pytest.mark.parametrize(("least", "most"), [(-1, 3), (0, -1), (10_001, None), (0, 10_001)])
def test_limits_out_of_range(least, most):
    with pytest.raises(InputError, match="allowed are 0 to 10,000"):
        length_automaton(CHARACTERS, least, most)


@pytest.mark.parametrize(
    ("text", "limits"),
    [("5", (5, 5)), ("4-8", (4, 8)), ("4-", (4, None)), ("-8", (0, 8)), (" 4 - 8 ", (4, 8)), ("0", (0, 0))],
)
def test_the_text_of_a_length(text, limits):
    assert parse_length(text) == limits


@pytest.mark.parametrize("limits", [(1.5,), (0, "5"), (True,), (None,)])
def test_limits_that_are_no_whole_numbers(limits):
    with pytest.raises(InputError, match=r"length .*: it must be a whole number"):
        length_automaton(CHARACTERS, *limits)


@pytest.mark.parametrize("text", ["", "-", "a", "5 8", "5--8", "4-8-9", "5.0", "+5", "1e3", "٣", "1234567"])
def test_texts_that_are_no_length(text):
    with pytest.raises(InputError, match="exactly"):
        parse_length(text)


@pytest.mark.parametrize(
    ("characters", "message"),
    [
        ([None], "no class has a character"),
        ([], r"the characters are \[\]; .* None for the blank"),
        ("ab", r"the characters are 'ab'; they must be a list with None for the blank, such as \[None, "),
        (["a", "b"], "None for the blank"),
        ([None, "a", "a"], "both 'a'"),
        ([None, "", "a"], "empty text"),
        ([None, "a", 5], "class 2 is 5; it must be a string, or None for the blank"),
        ({None: 0, "a": 1}, "the characters are .* they must be a list"),
        (None, "the characters are None; they must be a list"),
    ],
)
def test_wrong_characters_of_classes(characters, message):
    with pytest.raises(InputError, match=message):
        length_automaton(characters, 1)
