"""The formats of pictures that are read, by suffix."""

from __future__ import annotations

import pytest
from PIL import Image, features

from ctcbench.contract.errors import BadSample
from ctcbench.contract.specs import ImageSpec
from ctcbench.files.picture_formats import SUFFIXES
from ctcbench.files.pictures import read_picture

SPEC = ImageSpec(10, 30)


@pytest.mark.parametrize("suffix", sorted(SUFFIXES))
def test_each_suffix_is_read(tmp_path, suffix):
    Image.init()
    written = {".jif": "JPEG", ".mpo": "JPEG"}.get(suffix) or Image.EXTENSION.get(suffix)
    if written not in Image.SAVE or (written == "AVIF" and not features.check("avif")):
        assert suffix in (
            ".avif",
            ".avifs",
            ".psd",
            ".qoi",
            ".ras",
            ".xpm",
        )  # Pillow reads these, or lacks them
        return
    modes = {"XBM": "1", "MSP": "1", "QOI": "RGB"}
    # An icon has the sizes of a list that fit into the picture, in older releases of Pillow without its own.
    size = (32, 32) if written == "ICO" else (30, 10)
    picture = Image.new("F" if suffix == ".pfm" else modes.get(written, "L"), size, 0)
    picture.save(tmp_path / f"a{suffix}", format=written)
    assert read_picture(tmp_path / f"a{suffix}", SPEC).image.max() < 10


def test_a_format_without_a_signature_is_read_by_its_suffix_alone(tmp_path):
    Image.new("L", (30, 10), 0).save(tmp_path / "a.tga")
    content = (tmp_path / "a.tga").read_bytes()
    (tmp_path / "a.png").write_bytes(content)
    for picture in (tmp_path / "a.png", content):
        with pytest.raises(BadSample, match="not a picture of a known format"):
            read_picture(picture, SPEC)


def test_formats_that_start_programs_are_not_read(tmp_path):
    Image.new("L", (30, 10), 0).save(tmp_path / "a.png", format="EPS")
    with pytest.raises(BadSample, match="not a picture of a known format"):
        read_picture(tmp_path / "a.png", SPEC)
