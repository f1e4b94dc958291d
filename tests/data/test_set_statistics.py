"""Statistics of data sets: spreads, texts too long for their images, sizes of pictures."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np

from ctcbench.builtin.folder import folder
from ctcbench.contract.specs import Alphabet
from ctcbench.data.set_statistics import (
    Spread,
    aspects_per_frame,
    frame_needs,
    measure_pictures,
)
from tests.builtin.picture_sets.picture_cases import png
from tests.data.sample_cases import make_samples


def test_texts_that_need_more_frames_than_their_images_have():
    needs = frame_needs(make_samples([1, 2, 3], ["ab", "aab", "abab"], [8, 8, 4]), Alphabet("ab"))
    assert needs.fewest_columns == 1
    assert needs.densest == "n2"
    assert needs.too_long == {1: 0, 2: 1, 4: 2, 8: 3}


def test_a_spread_is_that_of_the_values():
    assert Spread.of([5]) == Spread(5, (5, 5, 5), 5)
    assert Spread.of([1, 2, 3, 4, 5]) == Spread(1, (2, 3, 4), 5)


def test_pictures_are_measured_before_they_are_scaled(tmp_path):
    for name, size in (("a", (30, 10)), ("b", (300, 20)), ("c", (60, 40))):
        (tmp_path / f"{name}.png").write_bytes(png(0, *size))
    (tmp_path / "d.png").write_bytes(b"no picture")
    source = folder(path=str(tmp_path), val=0, test=0)
    sizes = measure_pictures(source, "train", range(4))
    assert (sizes.pictures, sizes.widths.least, sizes.widths.greatest) == (3, 30, 300)
    assert sizes.heights == Spread(10, (15, 20, 30), 40)
    assert sizes.widest.endswith("b.png")
    assert np.isnan(sizes.aspects_N).sum() == 1
    assert sizes.aspects == (1.5, 15)


def test_the_sizes_of_some_pictures_beside_what_their_texts_need(tmp_path):
    for name, width in (("a", 30), ("b", 9000), ("c", 60)):
        (tmp_path / f"{name}.png").write_bytes(png(0, width, 20))
    source = folder(path=str(tmp_path), val=0, test=0)
    at = [Path(source.describe("train", index)).stem for index in range(3)].index("b")
    drawn = dataclasses.replace(make_samples([1, 2], ["aa", "b"]), rejected=(at,), left_out=1)
    sizes = measure_pictures(source, "train", drawn.indices())
    assert (sizes.pictures, sizes.widths.greatest) == (2, 60) and sizes.widest.endswith("c.png")
    least, middle = aspects_per_frame(sizes, frame_needs(drawn, Alphabet("ab")))
    each = sizes.aspects_N / [3, 1]
    assert (least, middle) == (min(each), sum(each) / 2)


def test_a_turned_picture_is_measured_upright(tmp_path):
    from PIL import Image

    image = Image.new("L", (30, 10))
    exif = image.getexif()
    exif[0x0112] = 6
    image.save(tmp_path / "a.jpg", exif=exif)
    assert measure_pictures(folder(path=str(tmp_path), val=0, test=0), "train", [0]).widths.least == 10
