"""The data set passes the conformance kit; splits share no picture; samples are what the README states."""

import numpy as np
import pytest
from ctcbench import UsageError
from ctcbench.testing import check_component

from ctcbench_digits import _pool, digits


def test_conformance():
    check_component(digits, length="1-3", height=16)


def test_splits_share_no_picture():
    pools = {split: _pool(split, 8)[0] for split in ("train", "val", "test")}
    assert [len(pool) for pool in pools.values()] == [1258, 180, 359]
    seen = [{picture.tobytes() for picture in pool} for pool in pools.values()]
    assert not seen[0] & seen[2]
    assert not seen[0] & seen[1]
    assert not seen[1] & seen[2]


def test_a_number_is_as_long_as_its_image():
    source = digits(length="2-5")
    assert (source.image.height, source.image.width) == (32, 218)
    samples = [source.draw("train", index) for index in range(60)]
    assert {len(sample.text) for sample in samples} == {2, 3, 4, 5}
    for sample in samples:
        assert (sample.image[:, sample.width :] == 255).all()
        # Digits overlap by a tenth of their height at most, and are 0.3 apart at most.
        assert 28.8 * len(sample.text) <= sample.width <= 42 * len(sample.text) + 10
    assert len({sample.text for sample in samples}) > 50
    assert np.mean([sample.image.min() for sample in samples]) < 40


@pytest.mark.parametrize("length", ["0", "5-2", "x", "2-", "100", ""])
def test_a_wrong_length_is_an_error(length):
    with pytest.raises(UsageError, match="length="):
        digits(length=length)
