"""Test images as small PNGs, from the cache only."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from ctcbench.config.run_config import RunConfig
from ctcbench.data.built_dataset import build_dataset
from ctcbench.data.materialise import materialise
from ctcbench.reporting.formats.html.cached_images import CachedImages, data_uri

DATASET = "captcha:width=64,height=24,length=2,alphabet=digits"


def opened(uri):
    with Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))) as picture:
        assert picture.format == "PNG"
        return picture.convert("RGB")


def test_images_are_small_pngs_without_their_padding():
    grey = np.random.default_rng(0).integers(0, 256, (1, 60, 900), dtype=np.uint8)
    picture = opened(data_uri(grey, 600))
    pixels = np.asarray(picture)
    assert picture.size == (480, 48) and (pixels == pixels[..., :1]).all()


def test_pictures_in_colour_keep_their_colours():
    colours = np.full((3, 20, 40), 255, dtype=np.uint8)
    colours[1:, :, :10] = 0
    picture = opened(data_uri(colours, 40))
    assert picture.getpixel((2, 5)) == (255, 0, 0) and picture.getpixel((30, 5)) == (255, 255, 255)


@pytest.fixture
def empty_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("CTCBENCH_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_images_that_are_not_cached_are_not_drawn(empty_cache, registry):
    config = RunConfig(dataset=DATASET, test_samples=3)
    key, reason = CachedImages(registry, 10**6).key(config, "f" * 64, 0)
    assert key == "" and not empty_cache.exists()
    assert f"`ctcbench data generate {DATASET} --split test --samples 3` draws it" in reason


def test_cached_images_are_used_if_they_are_those_of_the_result(empty_cache, registry):
    config = RunConfig(dataset=DATASET, test_samples=3)
    samples = materialise(build_dataset(registry, DATASET), "test", 3)
    images = CachedImages(registry, 10**6)
    key, reason = images.key(config, samples.fingerprint, 1)
    assert images.uris[key].startswith("data:image/png") and reason == ""
    assert images.key(config, samples.fingerprint, 1) == (key, "") and len(images.uris) == 1
    assert images.key(config, "f" * 64, 1) == ("", "no image: the data set has changed since this run")
    assert "limit the size" in CachedImages(registry, 10).key(config, samples.fingerprint, 1)[1]
