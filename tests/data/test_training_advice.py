"""Advice for a first training: the size of the images and the number of epochs."""

from __future__ import annotations

import numpy as np
import pytest

from ctcbench.data.set_statistics import PictureSizes, Spread
from ctcbench.data.training_advice import ImageSize, advise_settings, advise_size

USUAL = ImageSize("stretch", 40, 150)


def sizes(*pictures):
    widths, heights = zip(*pictures, strict=True)
    aspects_N = np.divide(widths, heights)
    middle = float(np.median(aspects_N))
    spreads = Spread.of(widths), Spread.of(heights)
    return PictureSizes(
        len(pictures), *spreads, (aspects_N.min(), aspects_N.max()), middle, "a.png", aspects_N
    )


@pytest.mark.parametrize(
    ("now", "pictures", "aspect_per_frame", "advised"),
    [
        # Of about the shape and the size of the images.
        (USUAL, [(150, 40), (300, 90)], 0.5, USUAL),
        (USUAL, [(60, 20), (64, 19)], 0.5, ImageSize("stretch", 24, 80)),
        (USUAL, [(30, 9), (32, 8)], 0.5, ImageSize("stretch", 16, 64)),
        (USUAL, [(150, 40), (600, 40)], 0.5, ImageSize("keep", 40, 750)),
        (USUAL, [(90, 30), (600, 30)], 0.5, ImageSize("keep", 32, 800)),
        # 40 rows would be a frame of four columns for only half of the characters.
        (USUAL, [(600, 64), (1200, 64)], 0.06, ImageSize("keep", 72, 1700)),
        (USUAL, [(160, 40), (150, 40)], 0.06, ImageSize("stretch", 72, 280)),
        (ImageSize("keep", 32, 500), [(600, 64), (1200, 64)], 0.06, ImageSize("keep", 72, 1700)),
        # Several lines of text: no height is enough.
        (USUAL, [(150, 40), (150, 40)], 0.01, USUAL),
        (ImageSize("keep", 64, 900), [(60, 20), (90, 20)], 0.5, ImageSize("keep", 64, 900)),
        (ImageSize("pad", 40, 150), [(60, 20), (200, 20)], 0.5, ImageSize("pad", 40, 150)),
    ],
)  # fmt: skip
def test_the_size_of_images(now, pictures, aspect_per_frame, advised):
    assert advise_size(now, sizes(*pictures), aspect_per_frame) == advised


def test_few_pictures_need_more_epochs_and_of_many_all_are_used():
    assert advise_settings(8_100) == {}
    assert advise_settings(600) == {}
    assert advise_settings(150) == {"epochs": 100}
    assert advise_settings(10) == {"epochs": 500}
    assert advise_settings(24_300) == {"train_samples": 24_300, "epochs": 10}
    assert advise_settings(5_000_000) == {"train_samples": 5_000_000, "epochs": 2}
