"""The artefacts of JPEG, compared with those of libjpeg."""

import io

import numpy as np
import pytest
import torch
from PIL import Image

from ctcbench.builtin.jpeg_artefacts import JpegArtefacts


def picture(height, width, channels):
    """Smooth random levels, uint8 (H, W) or (H, W, 3)."""
    chance = np.random.default_rng(0)
    coarse = chance.integers(0, 256, (height // 4, width // 4, channels), dtype=np.uint8)
    image = Image.fromarray(coarse.squeeze()).resize((width, height), Image.Resampling.BICUBIC)
    return np.asarray(image)


def by_libjpeg(pixels, quality):
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=quality, subsampling=0)
    return np.asarray(Image.open(buffer)).astype(np.float32)


@pytest.mark.parametrize("quality", [10, 40, 75, 95])
@pytest.mark.parametrize("channels", [1, 3])
def test_the_pixels_are_those_of_libjpeg(quality, channels):
    pixels = picture(40, 100, channels)  # not whole blocks
    reference = by_libjpeg(pixels, quality).reshape(40, 100, channels)
    images_NCHW = torch.from_numpy(pixels.reshape(40, 100, channels).copy()).permute(2, 0, 1)[None].float()
    found = JpegArtefacts()(images_NCHW, torch.tensor([float(quality)]))[0].permute(1, 2, 0).numpy()
    # A coefficient close to the middle of two steps may be rounded the other way.
    assert np.median(np.abs(found - reference)) <= 1
    artefacts = np.abs(reference - pixels.reshape(40, 100, channels)).mean()
    assert np.abs(found - reference).mean() < max(0.7, 0.2 * artefacts)


def test_each_image_has_its_own_quality():
    images_NCHW = torch.from_numpy(picture(16, 16, 1).copy())[None, None].float().repeat(2, 1, 1, 1)
    both = JpegArtefacts()(images_NCHW, torch.tensor([95.0, 5.0]))
    better, worse = (both - images_NCHW).abs().mean((1, 2, 3)).tolist()
    assert better < 2 < worse
