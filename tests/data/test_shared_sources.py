"""Sets of pictures that worker processes open from the index of this process."""

from __future__ import annotations

import os

import pytest

from ctcbench.contract.errors import CtcbenchError, UsageError
from ctcbench.data import materialise as module
from ctcbench.data.built_dataset import build_dataset, reopen_dataset
from ctcbench.data.materialise import materialise
from ctcbench.registry.discovery import load_registry
from tests.builtin.picture_sets.picture_cases import png


@pytest.fixture
def built(tmp_path, monkeypatch):
    """Return a set of 60 pictures, for which workers are started."""
    monkeypatch.setattr(module, "_FEW", 1)
    monkeypatch.setattr(module, "_SAMPLE_SECONDS", 100)
    for index in range(60):
        (tmp_path / f"{index}.png").write_bytes(png(index))
    text = f"folder:path={tmp_path},val=0,test=0,height=8,width=16"
    return build_dataset(load_registry(), text)


def test_workers_do_not_build_the_set_and_draw_the_same(built, tmp_path, monkeypatch):
    alone = materialise(built, "train", None, workers=1, cache=tmp_path / "one")
    # The builder would find another folder; the workers do not call it.
    (tmp_path / "labels.csv").write_text("file,label\n0.png,x\n")
    shared = materialise(built, "train", None, workers=2, cache=tmp_path / "two")
    assert (shared.texts, shared.names) == (alone.texts, alone.names)
    assert (shared.images_NCHW == alone.images_NCHW).all()
    assert shared.fingerprint == alone.fingerprint
    stored = next(path for path in (tmp_path / "two").iterdir() if path.name != "locks")
    assert not (stored / "shared").exists()


def test_files_that_change_while_they_are_drawn_are_an_error(built, tmp_path):
    picture = tmp_path / "7.png"

    def touch(done, total):
        os.utime(picture, ns=(1, 1))

    with pytest.raises(UsageError, match="files of train changed while they were read; try again"):
        materialise(built, "train", None, workers=2, cache=tmp_path / "cache", progress=touch)
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["locks"]


def test_a_damaged_index_is_the_error_of_a_worker(built, tmp_path):
    with pytest.raises(CtcbenchError, match=r"source\.json"):
        reopen_dataset(load_registry(), built.text, tmp_path)
