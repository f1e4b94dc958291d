"""Images that show no text: of one level, of noise; strokes of a pixel are no noise."""

import numpy as np
import pytest

from ctcbench.contract.data import Samples
from ctcbench.data.faint_images import find_faint_images, is_faint


def image(contrast, noise, stroke, channels=1):
    """Return a grey plane with horizontal strokes, and the same noise in every channel."""
    rng = np.random.default_rng(1)
    levels_HW = 120.0 + rng.normal(0, noise, (40, 150))
    levels_HW[10 : 10 + stroke, 20:130] += contrast
    return np.repeat(levels_HW.clip(0, 255).astype(np.uint8)[None], channels, 0)


@pytest.mark.parametrize(
    "contrast, noise, stroke, is_faint",
    [
        (0, 0, 3, True),
        (0, 3, 3, True),  # a range of 25 levels
        (6, 3, 3, True),
        (30, 0, 3, False),
        (40, 3, 3, False),
        (80, 0, 1, False),
        (135, 0, 1, False),
    ],
)
def test_noise_is_no_contrast_and_thin_strokes_are(contrast, noise, stroke, is_faint):
    image_CHW = image(contrast, noise, stroke)
    samples = Samples(image_CHW[None], np.array([150], np.int32), ("a",), ("first",), "")
    found = find_faint_images(samples)
    assert (found.images, found.example) == ((1, "first") if is_faint else (0, ""))


def test_colours_of_one_brightness_are_contrast_and_padding_is_none():
    image_CHW = np.full((3, 40, 150), 100, np.uint8)
    image_CHW[0, 10:30, 20:60] = 160
    image_CHW[..., 80:] = 255
    samples = Samples(
        np.stack([image_CHW, image_CHW[[1, 1, 1]]]), np.array([80, 80], np.int32), ("a", "b"), ("c", "d"), ""
    )
    assert find_faint_images(samples).example == "d"


def test_a_blank_page_of_a_colour_has_no_contrast():
    red = np.zeros((3, 40, 150), np.uint8)
    red[0] = 255
    assert is_faint(red)
    red[0, 10:30, 20:40] = 200
    assert not is_faint(red)


def test_an_image_that_is_smaller_than_a_square_is_measured_by_its_pixels():
    levels = np.array([[[[0, 100]]], [[[7, 8]]]], np.uint8)
    samples = Samples(levels, np.array([2, 2], np.int32), ("a", "b"), ("c", "d"), "")
    assert find_faint_images(samples).example == "d"
