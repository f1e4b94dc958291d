"""read_picture_size(): the size that a picture has when it is read."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from ctcbench.contract.specs import ImageSpec
from ctcbench.files.picture_sizes import read_picture_size
from ctcbench.files.pictures import read_picture


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF"])
@pytest.mark.parametrize("orientation", [None, *range(1, 9)])
def test_the_size_is_that_of_the_picture_that_is_read(kind, orientation):
    tags = Image.Exif()
    if orientation is not None:
        tags[0x0112] = orientation
    written = io.BytesIO()
    Image.new("L", (30, 20), 255).save(written, kind, exif=tags)
    upright = (20, 30) if (orientation or 1) > 4 else (30, 20)
    assert read_picture_size(written.getvalue()) == upright
    prepared = read_picture(written.getvalue(), ImageSpec(upright[1], 100), fit="keep")
    assert prepared.image.shape == upright[::-1]
