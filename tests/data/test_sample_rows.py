"""The rows of images that samples share, compared with a dictionary of the samples."""

import numpy as np
import pytest

from ctcbench.data.rejected_samples import RejectedSample
from ctcbench.data.sample_rows import SampleRows


def make(seed):
    """Return random samples as letters, and their rows."""
    chance = np.random.default_rng(seed)
    letters = "".join(chance.choice(list("abcdefgh"), chance.integers(1, 30)))
    return letters, SampleRows(
        len(letters), np.array([letters.index(letter) for letter in letters], np.int32)
    )


@pytest.mark.parametrize("seed", range(20))
def test_samples_with_the_same_image_share_a_row(seed):
    letters, rows = make(seed)
    stored = "".join(dict.fromkeys(letters))
    assert len(rows) == len(stored)
    assert [letters[number] for number in rows.numbers] == list(stored)
    assert list(rows.numbers) == sorted(rows.numbers)
    found_N = rows.of(np.arange(len(letters)))
    assert "".join(stored[row] for row in found_N) == letters
    assert list(rows.places([len(stored) - 1, 0])) == [
        (len(stored) - 1, letters.index(stored[-1])), (0, 0)
    ]  # fmt: skip
    # The first samples have the rows of a set of their own.
    some = letters[: len(letters) // 2 + 1]
    alone = SampleRows(len(some), np.array([some.index(letter) for letter in some], np.int32))
    assert alone.of(np.arange(len(some))).tolist() == found_N[: len(some)].tolist()


@pytest.mark.parametrize("seed", range(20))
def test_each_row_is_drawn_once_in_the_order_of_an_epoch(seed):
    letters, rows = make(seed)
    order_N = np.random.default_rng(seed).permutation(len(letters))
    read = dict.fromkeys(letters[index] for index in order_N)
    assert [letters[rows.numbers[row]] for row in rows.in_order(order_N)] == list(read)


@pytest.mark.parametrize("seed", range(20))
def test_rejected_samples_are_left_out_with_those_that_repeat_them(seed):
    letters, rows = make(seed)
    if rows.rows_N is None:
        return
    bad = set(letters[::3])
    stored = [letter for letter in dict.fromkeys(letters) if letter not in bad]
    kept_M = np.array([row for row, number in enumerate(rows.numbers) if letters[number] not in bad], int)
    assert [stored[row] for row in rows.among(kept_M)] == [letter for letter in letters if letter not in bad]
    rejected = [RejectedSample(letters.index(letter), letter, "bad") for letter in sorted(bad, reverse=True)]
    assert rows.repeated(rejected) == [
        RejectedSample(number, letter, "bad") for number, letter in enumerate(letters) if letter in bad
    ]


@pytest.mark.parametrize("first_N", [None, np.arange(5, dtype=np.int32)])
def test_without_repeats_each_sample_has_its_own_row(first_N):
    rows, order_N = SampleRows(5, first_N), np.array([3, 1, 4, 0, 2])
    assert rows.rows_N is None
    assert len(rows) == 5
    assert list(rows.places(range(5))) == [(row, row) for row in range(5)]
    assert rows.of(order_N).tolist() == rows.in_order(order_N).tolist() == order_N.tolist()
    assert rows.among(order_N) is None
    images = np.zeros((5, 1, 2, 3), np.uint8)
    assert rows.images(images) is images
    bad = [RejectedSample(4, "d", ""), RejectedSample(1, "b", "")]
    assert rows.repeated(bad) == sorted(bad)
