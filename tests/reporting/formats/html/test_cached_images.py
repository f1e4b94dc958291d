"""Test images as small PNGs, from the cache only."""

import base64
import io

import numpy as np
from PIL import Image

from ctcbench.reporting.formats.html import (
    cached_images,
)


def test_images_are_small_grey_pngs_without_their_padding():
    colours = np.random.default_rng(0).integers(0, 256, (3, 60, 900), dtype=np.uint8)
    uri = cached_images.data_uri(colours, 600)
    with Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))) as picture:
        assert picture.format == "PNG" and picture.size == (480, 48)
        pixels = np.asarray(picture.convert("RGB"))
        assert (pixels == pixels[..., :1]).all()
