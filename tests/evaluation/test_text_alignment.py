"""Alignments of decoded texts with their targets."""

from ctcbench.evaluation.text_alignment import (
    NOTHING,
    align,
    character_pairs,
    confusions,
    frequent_confusions,
)


def test_equal_texts_are_one_piece():
    assert list(align("abc", "abc")) == [("equal", "abc", "abc")]
    assert list(align("", "")) == []


def test_missing_and_extra_characters_are_paired_with_nothing():
    assert list(character_pairs("axc", "abc")) == [("a", "a"), ("b", "x"), ("c", "c")]
    assert list(character_pairs("ac", "abbc")) == [("a", "a"), ("b", NOTHING), ("b", NOTHING), ("c", "c")]
    assert list(character_pairs("abcd", "ad")) == [("a", "a"), (NOTHING, "b"), (NOTHING, "c"), ("d", "d")]


def test_confusions_are_counted_by_edits():
    counts = confusions([("1l", "11"), ("2", "22"), ("331", "33")])
    assert counts == {("1", "1"): 1, ("1", "l"): 1, ("2", "2"): 1, ("2", ""): 1, ("3", "3"): 2, ("", "1"): 1}


def test_frequent_confusions_are_those_of_different_characters():
    assert frequent_confusions([("ba", "aa"), ("ba", "aa"), ("cc", "cd")]) == [
        (("a", "b"), 2),
        (("d", "c"), 1),
    ]
    equal = [("b", "a"), ("a", "b"), ("c", "a")]
    assert frequent_confusions(equal) == frequent_confusions(equal[::-1]), (
        "the order of the texts has no effect"
    )
