"""The formats of pictures that are read, by suffix."""

from __future__ import annotations

import pytest
from PIL import Image, features

from ctcbench.contract.errors import BadSample
from ctcbench.contract.specs import ImageSpec
from ctcbench.files.pictures import SUFFIXES, read_picture

SPEC = ImageSpec(10, 30)


@pytest.mark.parametrize("suffix", sorted(SUFFIXES))
def test_each_suffix_is_read(tmp_path, suffix):
    Image.init()
    written = {".jif": "JPEG", ".mpo": "JPEG"}.get(suffix) or Image.EXTENSION.get(suffix)
    if written not in Image.SAVE or (written == "AVIF" and not features.check("avif")):
        assert suffix in (".avif", ".avifs", ".qoi", ".ras", ".xpm")  # Pillow reads these, or lacks them
        return
    picture = Image.new(
        "1" if written == "XBM" else "F" if suffix == ".pfm" else "RGB" if written == "QOI" else "L",
        (30, 10),
        0,
    )
    picture.save(tmp_path / f"a{suffix}", format=written)
    assert read_picture(tmp_path / f"a{suffix}", SPEC).image.max() < 10


def test_formats_that_start_programs_are_not_read(tmp_path):
    Image.new("L", (30, 10), 0).save(tmp_path / "a.png", format="EPS")
    with pytest.raises(BadSample, match="not a picture of a known format"):
        read_picture(tmp_path / "a.png", SPEC)
