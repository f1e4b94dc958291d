"""Sets written to files: the data sets that read them have the same pixels and texts."""

from __future__ import annotations

import importlib
import resource
from pathlib import Path

import numpy as np
import pytest

from ctcbench.builtin.folder import folder
from ctcbench.contract.data import Samples
from ctcbench.contract.errors import UsageError
from ctcbench.contract.ragged_images import RaggedImages
from ctcbench.data import written_sets
from ctcbench.data.written_sets import write_set

TEXTS = ("a", 'say "hi"', "é,x", " b ", "12")
READERS = {"png": "folder", "lmdb": "lmdb", "parquet": "parquet"}


def samples(channels=1, widths=(9, 9, 9, 9, 9), ragged=False):
    pixels = np.random.default_rng(0)
    images = [
        pixels.integers(0, 256, (channels, 6, width if ragged else 9), dtype=np.uint8) for width in widths
    ]
    stacked = RaggedImages.of(images) if ragged else np.stack(images)
    names = tuple(f"n{i}" for i in range(5))
    return Samples(stacked, np.array(widths, np.int32), TEXTS, names, "")


def reader(format_):
    if format_ == "png":
        return folder
    if format_ == "lmdb":
        pytest.importorskip("lmdb", reason="the package lmdb is not installed")
    else:
        pytest.importorskip("pyarrow", reason="the package pyarrow is not installed")
    return getattr(importlib.import_module(f"ctcbench.builtin.picture_sets.{format_}_set"), format_)


@pytest.mark.parametrize("format_", READERS)
@pytest.mark.parametrize(("channels", "ragged"), [(1, False), (3, True)])
def test_what_is_written_is_read_back(tmp_path, format_, channels, ragged):
    read = reader(format_)
    widths = (9, 3, 5, 9, 1) if ragged else (9,) * 5
    written = samples(channels, widths, ragged)
    for split in ("train", "test"):
        write_set(written, tmp_path, split, format_)
    fit = "keep" if ragged else "stretch"
    source = read(path=str(tmp_path), width=9, height=6, channels=channels, fit=fit, val=0)
    for split in ("train", "test"):
        found = {sample.text: sample for sample in (source.draw(split, i) for i in range(5))}
        assert set(found) == set(TEXTS)
        for text, image_CHW in zip(TEXTS, written.images_NCHW, strict=True):
            image = found[text].image
            np.testing.assert_array_equal(image if image.ndim == 3 else image[None], image_CHW)


def test_padding_is_not_written(tmp_path):
    write_set(samples(widths=(9, 4, 4, 4, 4)), tmp_path, "train", "png")
    source = folder(path=str(tmp_path), val=0, test=0)
    assert sorted(source.picture_size("train", i)[0] for i in range(5)) == [4, 4, 4, 4, 9]


def test_nothing_is_overwritten_or_left_behind(tmp_path):
    write_set(samples(), tmp_path, "train", "png")
    with pytest.raises(UsageError, match="train: exists already"):
        write_set(samples(), tmp_path, "train", "png")
    broken = samples()
    broken = Samples(broken.images_NCHW, broken.widths_N, ("a", "b\nc", "d", "e", "f"), broken.names, "")
    with pytest.raises(UsageError, match=r"n1: its text 'b\\nc' can't be a label"):
        write_set(broken, tmp_path, "val", "png")
    broken = Samples(broken.images_NCHW, broken.widths_N, ("a", "bc\n", "d", "e", "f"), broken.names, "")
    with pytest.raises(UsageError, match=r"n1: its text 'bc\\n' can't be a label"):
        write_set(broken, tmp_path, "val", "png")
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="can't be written"):
        write_set(samples(), tmp_path / "file", "val", "png")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "train"]


@pytest.mark.parametrize("format_", READERS)
def test_of_two_processes_that_write_a_set_the_second_is_refused(tmp_path, format_, monkeypatch):
    reader(format_)
    write = written_sets._WRITERS[format_]

    def write_while_another_does(drawn, path):
        monkeypatch.setitem(written_sets._WRITERS, format_, write)
        written.append(write_set(samples(), tmp_path, "train", format_))
        write(drawn, path)

    written: list[Path] = []
    monkeypatch.setitem(written_sets._WRITERS, format_, write_while_another_does)
    with pytest.raises(UsageError, match="exists already"):
        write_set(samples(), tmp_path, "train", format_)
    assert list(tmp_path.iterdir()) == written


def test_the_draft_of_a_process_that_died_is_removed(tmp_path):
    stale = tmp_path / ".train-x.tmp" / "train"
    stale.mkdir(parents=True)
    (stale / "0.png").touch()
    write_set(samples(), tmp_path, "train", "png")
    assert [path.name for path in tmp_path.iterdir()] == ["train"]


@pytest.mark.parametrize("format_", READERS)
def test_a_disk_that_is_full_is_a_usage_error(tmp_path, format_):
    reader(format_)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (32, before[1]))  # Python ignores the signal that comes with it
    try:
        with pytest.raises(UsageError, match="can't be written"):
            write_set(samples(), tmp_path, "train", format_)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list(tmp_path.iterdir()) == []
