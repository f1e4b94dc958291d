"""The order of the samples of two data sets."""

from fractions import Fraction

import numpy as np
import pytest

from ctcbench.data.interleaving import EXTRA, MAIN, Interleaving


@pytest.mark.parametrize("share", [0.5, 0.8, 0.29, 0.1, 1 / 3, 0.001, 0.999, 1e-9])
def test_the_first_samples_have_the_right_share_for_every_number_of_them(share):
    order, counts = Interleaving(share), [0, 0]
    for number in range(400):
        assert order.extra_among(number) == counts[EXTRA]
        assert abs(counts[EXTRA] - number * Fraction(str(share))) <= Fraction(1, 2)
        part, before = order.locate(number)
        assert before == counts[part]  # the samples of a set follow each other
        counts[part] += 1


@pytest.mark.parametrize(
    "share", [0.5, 0.8, 0.29, 1 / 3, 2 / 3, 0.001, 0.999, 1e-9, 1 - 1e-9, 1e-300, 0.12345678901234567]
)
def test_the_sets_of_many_samples_are_those_of_each(share):
    order = Interleaving(share)
    parts_N = order.parts(1000)
    assert parts_N.dtype == np.int8
    assert parts_N.tolist() == [order.locate(index)[0] for index in range(1000)]
    assert len(order.parts(0)) == 0


def test_the_main_set_comes_first_and_the_sets_take_turns():
    assert [Interleaving(0.5).locate(index) for index in range(4)] == [
        (MAIN, 0), (EXTRA, 0), (MAIN, 1), (EXTRA, 1)
    ]  # fmt: skip
    assert [Interleaving(0.75).locate(index)[0] for index in range(8)] == [EXTRA, MAIN, EXTRA, EXTRA] * 2


def test_the_share_is_the_decimal_number_that_was_written():
    # 0.29 as a binary number times 50 is less than 14.5, and 0.145 times 100 is more.
    assert [Interleaving(share).extra_among(count) for share, count in [(0.29, 100), (0.07, 300)]] == [29, 21]
