"""Counts agree with their nouns; lists in words have commas, and a word before the last."""

import pytest

from ctcbench.contract.word_lists import counted, first_of, join_words


@pytest.mark.parametrize(
    ("words", "text"), [([], ""), (["a"], "a"), (["a", "b"], "a and b"), (("a", "b", 3), "a, b and 3")]
)
def test_a_list_in_words(words, text):
    assert join_words(words) == text
    assert join_words(iter(words), "or") == text.replace("and", "or")


def test_a_count_has_its_noun_in_the_right_number():
    assert [counted(number, "image") for number in (0, 1, 2000)] == ["0 images", "1 image", "2,000 images"]


def test_the_first_of_a_list_are_named_and_the_others_counted():
    assert [first_of(list("abcde")[:n]) for n in (0, 1, 3, 5)] == ["", "a", "a, b, c", "a, b, c and 2 more"]
    assert first_of([1, 2], shown=1) == "1 and 1 more"
