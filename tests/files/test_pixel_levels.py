"""scale_levels(): levels of any type and range become 0 to 255, or are refused."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from ctcbench.contract.errors import BadSample
from ctcbench.contract.specs import ImageSpec
from ctcbench.files.pictures import read_picture
from ctcbench.files.pixel_levels import scale_levels

RAMP = np.arange(256, dtype=np.uint8).reshape(8, 32)
INTEGERS = [np.int16, np.uint16, np.int32, np.uint32, np.int64, np.uint64]


@pytest.mark.parametrize("kind", [np.uint8, *INTEGERS, np.float16, np.float32, np.float64, np.longdouble])
def test_levels_from_0_to_255_are_the_same_in_every_type(kind):
    assert (scale_levels(RAMP.astype(kind)) == RAMP).all()
    assert scale_levels(RAMP.astype(kind)).dtype == np.uint8


@pytest.mark.parametrize("kind", INTEGERS)
@pytest.mark.parametrize("bits", [1, 8, 10, 12, 14, 16])
def test_significant_bits_are_found_from_the_highest_level(kind, bits):
    top = min(2**bits - 1, np.iinfo(kind).max)
    levels = np.array([[0, top]]).astype(kind)
    white = 255 if top == 2**bits - 1 else 128  # int16 has half of the range of 16 bits
    assert scale_levels(levels).tolist() == [[0, white if kind is not np.int16 or bits < 16 else 127]]


def test_wide_integers_and_bools():
    assert scale_levels(np.array([0, 2**30, 2**31 - 1])).tolist() == [0, 128, 255]
    assert scale_levels(np.array([0, 2**31, 2**32 - 1])).tolist() == [0, 128, 255]
    assert scale_levels(np.array([False, True])).tolist() == [0, 255]
    assert scale_levels(np.array([0.0, 0.5, 1.0])).tolist() == [0, 128, 255]
    assert scale_levels(np.array([-1e-9, 1.0])).tolist() == [0, 255]
    assert scale_levels(np.array([0.0, 1 + 1e-7])).tolist() == [0, 255]
    assert scale_levels(np.array([0.0, 255 + 1e-3], np.float32)).tolist() == [0, 255]
    assert scale_levels(np.array([0.0, 2.0])).tolist() == [0, 2]


@pytest.mark.parametrize(
    ("levels", "reason"),
    [
        (np.array([0, -1]), "level -1, below black"),
        (np.array([-0.5, 1.0]), "level -0.5, below black"),
        (np.array([-3.0, 255.0]), "level -3, below black"),
        (np.array([0, 2**32]), "level 4.29497e\\+09, above"),
        (np.array([0.0, 1e6]), "level 1e\\+06, above 65535"),
        (np.array([0.0, 1.05]), "highest level is 1.05; scale the levels"),
        (np.array([1, 2], np.int8), "int8 can't hold"),
        (np.array([np.nan, 1]), "not a number"),
        (np.array([np.inf, 1]), "infinite"),
        (np.array([-np.inf, 1]), "infinite"),
        (np.array([1j]), "not levels"),
        (np.array([object()]), "not levels"),
    ],
)
def test_other_levels_are_refused(levels, reason):
    with pytest.raises(BadSample, match=reason):
        scale_levels(levels)


@pytest.mark.parametrize("top", [255, 4095, 65535])
@pytest.mark.parametrize("suffix", ["PNG", "TIFF"])
def test_files_of_16_bits_with_fewer_significant_ones_are_read(top, suffix):
    levels = np.full((8, 32), top, np.uint16)
    levels[:, :16] = 0
    Image.fromarray(levels).save(file := io.BytesIO(), suffix)
    image = read_picture(file.getvalue(), ImageSpec(8, 32)).image
    assert image[:, :16].max() == 0 and image[:, 16:].min() == 255
