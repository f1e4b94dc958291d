"""What pictures show: rows of ink, and contrast that grey loses."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw

from ctcbench.builtin.folder import folder
from ctcbench.contract.data import Samples
from ctcbench.data.picture_content import (
    ColourLoss,
    HiddenText,
    find_hidden_text,
    measure_colour_loss,
    measure_ink,
)


def samples(*images):
    images_NCHW = np.stack(images)[:, None]
    widths_N = np.full(len(images), images_NCHW.shape[-1], np.int32)
    return Samples(images_NCHW, widths_N, ("a",) * len(images), ("n",) * len(images), "")


def stroke(top, bottom, height=40):
    """Return a white image with a vertical stroke in some rows."""
    image = np.full((height, 20), 255, np.uint8)
    image[top:bottom, 8:12] = 0
    return image


def test_the_rows_of_ink_and_what_is_free_at_both_ends():
    found = measure_ink(samples(stroke(10, 20), stroke(12, 32), stroke(16, 24)))
    assert found.median_share == 0.25
    # The picture with the least free rows, eight of forty, counts by an interpolated quantile.
    assert 0.2 <= found.free_share < 0.23
    assert measure_ink(samples(np.full((8, 8), 255, np.uint8))) is None
    noise = np.random.default_rng(0).integers(0, 60, (40, 20)).astype(np.uint8)
    assert measure_ink(samples(stroke(10, 20) - noise)).median_share == 1, "a texture is not left out"


def test_light_text_on_transparent_pixels_needs_another_ground(tmp_path):
    for index, ink in enumerate(((255, 255, 255, 255), (0, 0, 0, 255), (0, 0, 0, 0))):
        image = Image.new("RGBA", (150, 40))
        image.paste(ink, (50, 10, 70, 30))
        image.save(tmp_path / f"{'abc'[index]}.png")
    read = {"path": str(tmp_path), "label": "stem", "val": 0, "test": 0}
    assert find_hidden_text(folder(**read), "train", 3) == HiddenText(3, 1)
    assert find_hidden_text(folder(**read, ground="auto"), "train", 3) is None


def picture(background, *inks):
    image = Image.new("RGB", (120, 40), background)
    for place, ink in enumerate(inks):
        ImageDraw.Draw(image).rectangle((10 + 30 * place, 8, 24 + 30 * place, 30), fill=ink)
    return image


@pytest.mark.parametrize(
    ("images", "coloured"),
    [
        ([picture("white", "black"), picture((20, 40, 160), "white"), picture((245, 210, 30), "black")], 0),
        ([picture((0, 140, 0), (255, 10, 20))], 1),
        # Letters in several colours, among them one that is nearly as bright as the background.
        ([picture("white", (255, 240, 0), (0, 0, 0), (240, 30, 200))], 1),
    ],
    ids=["two colours of different brightness", "of equal brightness", "many colours"],
)
def test_colour_counts_where_grey_does_not_show_it(tmp_path, images, coloured):
    for index, image in enumerate(images):
        image.save(tmp_path / f"{'abc'[index]}.jpg", quality=60)
    (tmp_path / "d.png").write_bytes(b"no picture")
    read = {"path": str(tmp_path), "label": "stem", "val": 0, "test": 0}
    found = measure_colour_loss(folder(**read), "train", len(images) + 1)
    assert found == ColourLoss(len(images), coloured)
    assert measure_colour_loss(folder(**read, channels=3), "train", 1) is None
