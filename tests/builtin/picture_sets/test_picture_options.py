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
from ctcbench.contract.errors import BadSample, UsageError
from tests.builtin.labelling.folder_cases import fill
from tests.builtin.picture_sets.picture_cases import png, write_lmdb, write_parquet

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


@pytest.fixture(params=["folder", "csv", "lmdb", "parquet"])
def foreign(request, tmp_path):
    """Return a function that builds a set of a format; its test label has a character of its own."""
    labels = {"train": ["ab", "ba"], "val": ["a"], "test": ["aé\u0301"]}
    if request.param == "lmdb":
        for split, texts in labels.items():
            write_lmdb(tmp_path / split, [(png(), text.encode()) for text in texts])
    elif request.param == "parquet":
        for split, texts in labels.items():
            columns = {"image": [png()] * len(texts), "text": texts}
            write_parquet(tmp_path / f"{split}-00000-of-00001.parquet", columns)
    else:
        rows = [(f"{split}{i}.png", text, split) for split in labels for i, text in enumerate(labels[split])]
        for name, _, split in rows:
            (tmp_path / split).mkdir(exist_ok=True)
            (tmp_path / split / name).write_bytes(png())
        listed = [f"{split}/{name},{text},{split}\n" for name, text, split in rows]
        (tmp_path / "labels.csv").write_text("".join(["file,label,split\n", *listed]), encoding="utf-8")
    component = {"folder": folder, "csv": csv, "lmdb": lmdb, "parquet": parquet}[request.param]
    path = tmp_path / "labels.csv" if request.param == "csv" else tmp_path
    return lambda **options: component(path=str(path), **options)


def test_only_training_labels_must_be_of_the_alphabet(foreign):
    source = foreign()
    assert source.alphabet.characters == "ab"
    assert (source.draw("val", 0).text, source.draw("test", 0).text) == ("a", "aé\u0301")
    typed = foreign(alphabet="acx")
    assert typed.draw("test", 0).text == "aé\u0301"
    with pytest.raises(BadSample, match="has 'b', which the alphabet lacks"):
        typed.draw("train", 0)


def test_auto_may_be_widened(foreign):
    source = foreign(alphabet="auto+[aé]+digits")
    assert source.alphabet.characters == "0123456789abé"
    for wrong, message in (("auto+", "empty"), ("auto+digit", "did you mean 'digits'")):
        with pytest.raises(UsageError, match=message):
            foreign(alphabet=wrong)
