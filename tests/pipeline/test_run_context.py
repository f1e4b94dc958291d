"""Drawing for a run: the training pictures that a setting leaves out are named."""

from __future__ import annotations

import pytest

from ctcbench.config.recipe import resolve
from ctcbench.config.run_config import RunConfig
from ctcbench.contract.errors import UsageError
from ctcbench.data.built_dataset import build_dataset
from ctcbench.pipeline import runner
from ctcbench.pipeline.run_context import draw
from ctcbench.training.progress_events import ProgressListener
from ctcbench.training.runtime import Runtime
from tests.builtin.picture_sets.picture_cases import png
from tests.tiny_config import tiny


class Notices(ProgressListener):
    def __init__(self):
        self.texts = []

    def notice(self, text):
        self.texts.append(text)


def test_pictures_that_are_not_trained_on_are_counted(tmp_path, registry):
    for split, count in (("train", 3), ("val", 2)):
        (tmp_path / split).mkdir()
        for index in range(count):
            (tmp_path / split / f"{'abc'[index]}.png").write_bytes(png(index))
    dataset = build_dataset(registry, f"folder:path={tmp_path},label=stem,test=0")
    config, listener = RunConfig(train_samples=2, val_samples=1), Notices()
    for split in ("train", "val"):
        draw(dataset, config, Runtime(tmp_path, listener=listener, workers=1), split)
    assert listener.texts == ["train: 2 of 3 samples are used (train_samples=2)"]


def test_a_network_that_cannot_be_built_is_an_error_before_images_are_drawn(tmp_path, registry, monkeypatch):
    monkeypatch.setenv("CTCBENCH_CACHE", str(tmp_path / "cache"))
    config = tiny(
        dataset="captcha:length=2,alphabet=digits,width=64,height=24",
        backbone="cnn7",
        head="slots:count=2",
        loss="slots",
        decoder="slots",
        shortcut="sum",
    )
    with pytest.raises(UsageError, match="shortcut"):
        runner.run(resolve(registry, config), Runtime(tmp_path / "runs"))
    assert not (tmp_path / "cache").exists() and not (tmp_path / "runs").exists()
