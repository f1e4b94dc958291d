"""Sets of images of different widths: drawn, stored without padding, mapped into memory."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from ctcbench.contract.data import Sample
from ctcbench.contract.errors import PluginError, UsageError
from ctcbench.contract.ragged_images import RaggedImages
from ctcbench.contract.specs import Alphabet, ImageSpec
from ctcbench.data.built_dataset import BuiltDataset, build_dataset
from ctcbench.data.drawing import draw_sample
from ctcbench.data.materialise import materialise

HEIGHT, COUNT = 8, 12


@pytest.fixture
def pictures(tmp_path):
    """Return the data set of pictures of 5 to 27 columns, grey by their number, and its cache."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in range(COUNT):
        Image.new("L", (5 + 2 * number, HEIGHT), number).save(folder / f"{number}.png")
    return folder


def dataset(registry, folder, **options):
    chosen = {"path": folder, "height": HEIGHT, "width": 30, "fit": "keep", "val": 0, "test": 0, **options}
    return build_dataset(registry, "folder:" + ",".join(f"{name}={value}" for name, value in chosen.items()))


@pytest.mark.parametrize("workers", [1, 2])
def test_images_keep_their_widths(registry, pictures, tmp_path, workers, monkeypatch):
    monkeypatch.setattr("ctcbench.data.materialise.worth_workers", lambda request: True)
    samples = materialise(dataset(registry, pictures), "train", None, cache=tmp_path / "c", workers=workers)
    images = samples.images_NCHW
    assert isinstance(images, RaggedImages)
    assert sorted(samples.widths_N.tolist()) == [5 + 2 * number for number in range(COUNT)]
    for image_CHW, text, width in zip(images, samples.texts, samples.widths_N, strict=True):
        assert image_CHW.shape == (1, HEIGHT, 5 + 2 * int(text)) == (1, HEIGHT, width)
        assert (image_CHW == int(text)).all()
    assert images.nbytes == HEIGHT * samples.widths_N.sum()
    # The pixels are those of the file, which is no larger than they are.
    assert isinstance(images.pixels, np.memmap)
    (stored,) = tmp_path.glob("c/*/images.npy")
    assert stored.stat().st_size == images.nbytes + 128
    assert not list(tmp_path.glob("c/*/*.part"))


def test_a_part_of_a_stored_set_has_the_fingerprint_of_a_set_of_its_size(registry, pictures, tmp_path):
    built = dataset(registry, pictures)
    whole = materialise(built, "train", None, cache=tmp_path / "one")
    part, alone = (materialise(built, "train", 5, cache=tmp_path / name) for name in ("one", "other"))
    assert part.fingerprint == alone.fingerprint != whole.fingerprint
    assert part.texts == whole.texts[:5]
    assert all((one == other).all() for one, other in zip(part.images_NCHW, alone.images_NCHW, strict=True))


def test_pictures_that_are_too_wide_are_left_out_on_demand(registry, pictures, tmp_path):
    built = dataset(registry, pictures, width=20)
    with pytest.raises(UsageError, match=r"(?s)4 of 12 samples .*21×8 pixels are 21 columns at height 8"):
        materialise(built, "train", None, cache=tmp_path / "c")
    notices = []
    samples = materialise(built, "train", None, cache=tmp_path / "c", skip_bad=True, notice=notices.append)
    assert samples.left_out == 4
    assert sorted(samples.widths_N.tolist()) == [5, 7, 9, 11, 13, 15, 17, 19]
    for image_CHW, text in zip(samples.images_NCHW, samples.texts, strict=True):
        assert (image_CHW == int(text)).all()


@pytest.mark.parametrize("change", [{"variable": False}, {"shape": [COUNT, 1, HEIGHT, 31]}])
def test_a_record_that_does_not_fit_the_pixels_has_them_drawn_again(registry, pictures, tmp_path, change):
    built, notices = dataset(registry, pictures), []
    first = materialise(built, "train", None, cache=tmp_path / "c")
    (record,) = tmp_path.glob("c/*/samples.json")
    record.write_text(json.dumps({**json.loads(record.read_text()), **change}))
    again = materialise(built, "train", None, cache=tmp_path / "c", notice=notices.append)
    assert again.fingerprint == first.fingerprint
    assert "drawn again" in notices[0]


def test_colours_are_stored_too(registry, pictures, tmp_path):
    Image.new("RGB", (9, HEIGHT), (10, 20, 30)).save(pictures / "99.png")
    samples = materialise(dataset(registry, pictures, channels=3), "train", None, cache=tmp_path / "c")
    image_CHW = samples.images_NCHW[samples.texts.index("99")]
    assert image_CHW[:, 0, 0].tolist() == [10, 20, 30]
    assert image_CHW.shape == (3, HEIGHT, 9)


class Wrong:
    image = ImageSpec(HEIGHT, 20, variable=True)
    alphabet = Alphabet("1")

    def __init__(self, columns, width):
        self.sample = Sample(np.zeros((HEIGHT, columns), np.uint8), "1", width)

    def describe(self, split, index):
        return "it"

    def draw(self, split, index):
        return self.sample


@pytest.mark.parametrize(
    ("columns", "width", "message"),
    [
        (21, None, r"the width of it is 21, not 1 to 20"),
        (0, None, r"the width of it is 0, not 1 to 20"),
        (9, 8, r"the width of it is 8, but its image has 9 columns"),
    ],
)
def test_a_source_that_breaks_the_contract_is_an_error(columns, width, message):
    with pytest.raises(PluginError, match=message):
        draw_sample(BuiltDataset("wrong", "plugin x", Wrong(columns, width)), "train", 0)
