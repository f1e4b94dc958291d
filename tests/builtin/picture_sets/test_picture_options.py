"""The options that all data sets of labelled pictures share."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from PIL import Image

from ctcbench.builtin.folder import folder
from ctcbench.builtin.picture_sets.csv_set import csv
from ctcbench.builtin.picture_sets.lmdb_set import lmdb
from ctcbench.builtin.picture_sets.parquet_set import parquet
from ctcbench.builtin.picture_sets.picture_options import PictureOptions
from ctcbench.contract.errors import UsageError
from tests.builtin.labelling.folder_cases import fill

SHARED = {field.name for field in dataclasses.fields(PictureOptions)} - {"owner"}


@pytest.mark.parametrize("component", [folder, csv, lmdb, parquet], ids=lambda component: component.name)
def test_every_set_has_them_with_the_same_bounds_and_defaults(component):
    assert set(component.options) >= SHARED | {"path"}
    assert "pictures" not in component.options
    for name in SHARED:
        option = component.options[name]
        assert option.description
        assert (option.default, option.bounds) == (folder.options[name].default, folder.options[name].bounds)


def test_an_error_names_the_set(tmp_path):
    fill(tmp_path, "a.png")
    with pytest.raises(UsageError, match="dataset folder: group=x: there is no such column"):
        folder(path=str(tmp_path), label="stem", group="x")
    (tmp_path / "t.csv").write_text("file,label\na.png,a\n")
    with pytest.raises(UsageError, match="dataset csv: group=x: there is no such column"):
        csv(path=str(tmp_path / "t.csv"), group="x")
    with pytest.raises(UsageError, match=r"channels=2: .*one of 1, 3"):
        csv(path=str(tmp_path / "t.csv"), channels=2)


def test_crop_is_part_of_the_size_of_the_images_and_changes_what_is_drawn(tmp_path):
    pixels = np.full((20, 40), 255, np.uint8)
    pixels[:4] = 0
    for i in range(10):
        Image.fromarray(pixels).save(tmp_path / f"{i}.png")
    whole, cropped = (folder(path=str(tmp_path), label="stem", crop=crop) for crop in (0.0, 0.2))
    assert (whole.image.crop, cropped.image.crop) == (0.0, 0.2)
    assert whole.draw("train", 0).image.min() == 0
    assert cropped.draw("train", 0).image.min() == 255
    assert whole.fingerprint("train") != cropped.fingerprint("train")
    # What is scaled: `data describe` chooses the width of images by it.
    assert whole.picture_size("train", 0)[0] == cropped.picture_size("train", 0)[0]
    assert cropped.picture_size("train", 0)[1] == round(0.6 * whole.picture_size("train", 0)[1])
    with pytest.raises(UsageError, match=r"crop=0.5: .*0\.45"):
        folder(path=str(tmp_path), label="stem", crop=0.5)
