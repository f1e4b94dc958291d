"""The functions of the metrics, on examples worked by hand."""

import pytest

from ctcbench.evaluation.metrics import LOOKALIKES, char_accuracy, fold
from ctcbench.evaluation.scoring import edit_distances


def test_the_example_of_the_talk_is_one_edit_but_three_positions():
    assert char_accuracy("1C1k", "1C19k") == pytest.approx(3 / 5)
    assert list(edit_distances(["1C1k"], ["1C19k"])) == [1]


def test_char_accuracy_compares_positions_from_the_left():
    assert char_accuracy("x12345", "12345") == 0.0
    assert char_accuracy("12345xyz", "12345") == 1.0
    assert char_accuracy("", "12345") == 0.0
    assert (char_accuracy("", ""), char_accuracy("a", "")) == (1.0, 0.0)


def test_folding_maps_look_alikes_and_nothing_else():
    assert fold("0Oo1IlcCsSvVwWxXzZ") == "000111ccssvvwwxxzz"
    others = "23456789abdefghijkmnpqrtuyABDEFGHJKLMNPQRTUY"
    assert fold(others) == others
    assert len("".join(LOOKALIKES)) == len(set("".join(LOOKALIKES)))  # no character in two groups
