"""Alignments of decoded texts with their targets."""

from ctcbench.evaluation.text_alignment import NOTHING, align, character_pairs


def test_equal_texts_are_one_piece():
    assert list(align("abc", "abc")) == [("equal", "abc", "abc")]
    assert list(align("", "")) == []


def test_missing_and_extra_characters_are_paired_with_nothing():
    assert list(character_pairs("axc", "abc")) == [("a", "a"), ("b", "x"), ("c", "c")]
    assert list(character_pairs("ac", "abbc")) == [("a", "a"), ("b", NOTHING), ("b", NOTHING), ("c", "c")]
    assert list(character_pairs("abcd", "ad")) == [("a", "a"), (NOTHING, "b"), (NOTHING, "c"), ("d", "d")]
