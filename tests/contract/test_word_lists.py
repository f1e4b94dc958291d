"""Lists in words have commas, and a word before the last."""

import pytest

from ctcbench.contract.word_lists import join_words


@pytest.mark.parametrize(
    ("words", "text"), [([], ""), (["a"], "a"), (["a", "b"], "a and b"), (("a", "b", 3), "a, b and 3")]
)
def test_a_list_in_words(words, text):
    assert join_words(words) == text
    assert join_words(iter(words), "or") == text.replace("and", "or")
