"""The picture files with which the speed of reading is measured."""

from __future__ import annotations

import pytest
from PIL import Image

from ctcbench.benchmarks.prediction_speed import picture_files
from tests.builtin.picture_sets.picture_cases import png, write_lmdb


def test_pictures_are_those_of_the_data_set_without_bad_ones(registry, tmp_path):
    (tmp_path / "test").mkdir()
    (tmp_path / "train").mkdir()
    for level, name in enumerate(("train/a", "test/a", "test/b", "test/c")):
        (tmp_path / f"{name}.png").write_bytes(png(level, 40, 20))
    (tmp_path / "test" / "b.png").write_bytes(b"")
    source = registry.build("dataset", f"folder:path={tmp_path},label=stem,alphabet=abc,crop=0.2,height=8")
    assert sorted(picture_files(source, 9, tmp_path)) == [tmp_path / "test" / f"{name}.png" for name in "ac"]
    assert len(picture_files(source, 1, tmp_path)) == 1


def test_pictures_in_one_file_and_drawn_images_are_written(registry, tmp_path):
    pytest.importorskip("lmdb", reason="the package lmdb is not installed")
    for split in ("train", "test"):
        write_lmdb(tmp_path / "set" / split, [(png(1, 40, 20), b"a"), (png(2, 40, 20), b"b")])
    for name, size in (("lmdb", (40, 20)), ("captcha", (60, 24))):
        folder = tmp_path / name
        folder.mkdir()
        options = {"lmdb": f"path={tmp_path / 'set'}", "captcha": "width=60,height=24,length=2,channels=3"}
        files = picture_files(registry.build("dataset", f"{name}:{options[name]}"), 2, folder)
        assert len(files) == 2 and all(file.parent == folder for file in files)
        assert {Image.open(file).size for file in files} == {size}
