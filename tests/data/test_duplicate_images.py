"""Images with equal pixels, within and across splits."""

from __future__ import annotations

import pytest

from ctcbench.data.duplicate_images import find_duplicates
from tests.data.sample_cases import make_samples


@pytest.mark.parametrize("ragged", [False, True])
def test_duplicates_within_and_across_splits(ragged):
    splits = {
        "train": make_samples([1, 2, 1, 3], "abac", ragged=ragged),
        "val": make_samples([9, 2, 2], "xyb", ragged=ragged),
        "test": make_samples([3, 8], "cz", ragged=ragged),
    }
    found = find_duplicates(splits)
    assert found.within == {"train": 1, "val": 1, "test": 0}
    assert found.across == {("train", "val"): 2, ("train", "test"): 1, ("val", "test"): 0}
    assert found.differing == 1
    assert found.found
    # Across splits and with different texts comes first.
    assert found.examples[0] == [("train", "n1", "b"), ("val", "n1", "y"), ("val", "n2", "b")]
    assert not find_duplicates({"train": make_samples([1, 2], "ab")}).found


def test_images_of_other_widths_are_no_duplicates():
    assert not find_duplicates({"train": make_samples([1, 1], "aa", [3, 4])}).found
    assert not find_duplicates({"train": make_samples([1, 1], "aa", [3, 4], ragged=True)}).found
