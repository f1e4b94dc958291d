"""The data set passes the conformance kit; splits share no picture; samples are what the README states."""

import zlib

import numpy as np
import pytest
from ctcbench import UsageError
from ctcbench.testing import check_component

from ctcbench_digits import _pool, digits


def test_conformance():
    check_component(digits, length="1-3", height=16, variation=0.2)


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


def test_images_are_those_of_earlier_versions():
    source = digits(height=8)  # the rows of the pictures: independent of Pillow's scaling
    images = b"".join(source.draw(split, 3).image.tobytes() for split in ("train", "val", "test"))
    assert zlib.crc32(images) == 4280616892


def test_variation_changes_the_digits_of_training_images_alone():
    same, varied = digits(height=16), digits(height=16, variation=0.15)
    for split in ("val", "test"):
        assert same.fingerprint(split) == varied.fingerprint(split)
        assert np.array_equal(same.draw(split, 1).image, varied.draw(split, 1).image)
    assert same.fingerprint("train") != varied.fingerprint("train")
    source = digits(height=16, length="1", variation=0.15)
    drawn = [source.draw("train", index).image for index in range(300)]
    # Of 1,258 pictures, 300 draws repeat some; each is moved in its own way.
    assert len({image.tobytes() for image in drawn}) == 300
    assert all(image.min() < 100 for image in drawn)


@pytest.mark.parametrize("length", ["0", "5-2", "x", "2-", "100", ""])
def test_a_wrong_length_is_an_error(length):
    with pytest.raises(UsageError, match="length="):
        digits(length=length)
