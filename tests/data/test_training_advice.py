"""Advice for a first training: the size of the images and the number of epochs."""

from __future__ import annotations

import numpy as np
import pytest

from ctcbench.data.picture_content import ColourLoss, InkRows
from ctcbench.data.set_statistics import PictureSizes, Spread
from ctcbench.data.training_advice import (
    PIXEL_FLOPS,
    ImageSize,
    advise_channels,
    advise_crop,
    advise_preset,
    advise_settings,
    advise_size,
    estimate_cost,
    have_several_lines,
)

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
        # The greatest width that there is: with a reserve, without one, and too little.
        (USUAL, [(150, 40), (8000, 40)], 0.5, ImageSize("keep", 40, 8192)),
        (USUAL, [(150, 40), (8193, 40)], 0.5, USUAL),
        (ImageSize("keep", 64, 900), [(60, 20), (90, 20)], 0.5, ImageSize("keep", 64, 900)),
        (ImageSize("pad", 40, 150), [(60, 20), (200, 20)], 0.5, ImageSize("pad", 40, 150)),
    ],
)  # fmt: skip
def test_the_size_of_images(now, pictures, aspect_per_frame, advised):
    assert advise_size(now, sizes(*pictures), aspect_per_frame) == advised


def test_a_page_has_several_lines_and_a_dense_line_has_not():
    assert have_several_lines(900 / 1200 / 600)
    assert have_several_lines(4.0 / 97)
    # Forty narrow letters in a line that is ten times as wide as high.
    assert not have_several_lines(10 / 40)
    assert not have_several_lines(4.0 / 96)


@pytest.mark.parametrize(
    ("share", "free", "crop"),
    [
        (0.2, 0.35, 0.3),
        (0.2, 0.49, 0.45),
        (0.4, 0.12, 0.1),
        (0.4, 0.11, 0.0),  # would make letters hardly larger, or cut off those of other pictures
        (0.6, 0.3, 0.0),
    ],
)
def test_rows_without_ink_are_left_out(share, free, crop):
    assert advise_crop(InkRows(share, free)) == crop
    assert advise_crop(None) == 0


def test_colour_is_kept_where_enough_pictures_need_it():
    assert advise_channels(ColourLoss(48, 10)) == 3
    assert advise_channels(ColourLoss(48, 9)) == advise_channels(None) == 1


def test_lines_of_text_have_a_preset_of_their_own_which_costs_less():
    assert advise_preset(15) == "small" and advise_preset(16) == "lines"
    pictures = sizes((600, 64), (1200, 64))
    size = ImageSize("keep", 32, 800)
    short, long = (estimate_cost(1000, preset, size, pictures) for preset in ("small", "lines"))
    # A mean of 450 columns.
    assert long.teraflop == pytest.approx(3 * 37_500 * 450 * 32 * 1000 * long.epochs / 1e12)
    assert (short.epochs, long.epochs) == (30, 20)
    assert long.teraflop < short.teraflop / 4 and long.seconds[0] < long.seconds[1]
    stretched = estimate_cost(1000, "lines", ImageSize("stretch", 32, 900), pictures)
    assert stretched.teraflop == pytest.approx(2 * long.teraflop)


@pytest.mark.landing
def test_the_cost_of_a_pixel_is_that_of_the_network(registry):
    from ctcbench.config.presets import read_preset
    from ctcbench.config.recipe import resolve
    from ctcbench.config.run_config import RunConfig, setting_fields
    from ctcbench.training.recognizer.spec_sheet import spec_sheet

    for preset, flops in PIXEL_FLOPS.items():
        sheet = spec_sheet(resolve(registry, RunConfig(**read_preset(preset, setting_fields()))))
        _, height, width = sheet.image
        assert sheet.flops / (height * width) == pytest.approx(flops, rel=0.02)


def test_cropped_pictures_are_lower_and_wider_for_their_height():
    cropped = sizes((200, 100), (400, 50)).cropped(0.3)
    assert cropped.heights.greatest == 40 and cropped.aspects == pytest.approx((5, 20))
    assert cropped.aspects_N == pytest.approx([5, 20]) and cropped.median_aspect == pytest.approx(12.5)


def test_few_pictures_need_more_epochs_and_of_many_all_are_used():
    assert advise_settings(8_100) == {}
    assert advise_settings(600) == {}
    assert advise_settings(150) == {"epochs": 100}
    assert advise_settings(10) == {"epochs": 500}
    assert advise_settings(24_300) == {"train_samples": 24_300, "epochs": 10}
    assert advise_settings(941, "lines") == {"epochs": 20}
    assert advise_settings(2_000, "lines") == {}
    assert advise_settings(5_000_000) == {"train_samples": 5_000_000, "epochs": 2}
