"""Accuracy by length, position and character."""

import pytest

from ctcbench.evaluation.breakdowns import MOST_GROUPS, GroupAccuracy, break_down


def counts(groups):
    return {group.name: (group.right, group.count) for group in groups}


def test_texts_and_characters_are_counted_by_group():
    found = break_down([("ab", "ab"), ("xb", "ab"), ("ac", "abc"), ("abc!", "abc")])
    assert counts(found.lengths) == {"2": (1, 2), "3": (0, 2)}
    # A missing character (the b of the third text) does not make the c after it wrong.
    assert counts(found.positions) == {"1": (3, 4), "2": (3, 4), "3": (2, 2)}
    assert counts(found.characters) == {"a": (3, 4), "b": (3, 4), "c": (2, 2)}


def test_many_lengths_are_joined_to_ranges():
    found = break_down([("a" * size, "a" * size) for size in (1, 2, 3, 100)])
    names = [group.name for group in found.lengths]
    assert names == ["1–5", "96–100"] and len(found.positions) <= MOST_GROUPS
    assert sum(group.count for group in found.positions) == 106


def test_empty_targets_have_a_length_and_no_characters():
    found = break_down([("", ""), ("a", "")])
    assert counts(found.lengths) == {"0": (1, 2)}
    assert found.positions == found.characters == ()
    assert break_down([]).lengths == ()


def test_repeated_readings_of_a_text_narrow_no_interval():
    once, thrice = GroupAccuracy("a", 100, 80), GroupAccuracy("a", 300, 240)
    assert thrice.interval(repeats=3) == pytest.approx(once.interval())
    low, high = thrice.interval()
    assert once.interval()[0] < low < 0.8 < high < once.interval()[1]
