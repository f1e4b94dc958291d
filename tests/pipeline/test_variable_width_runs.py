"""Runs on images of different widths, from drawing to prediction."""

import numpy as np
import pytest

import ctcbench
from ctcbench import UsageError
from ctcbench.builtin import modules
from ctcbench.data.built_dataset import build_dataset
from ctcbench.results.run_folder import RunFolder
from ctcbench.training.runtime import Runtime
from tests.pipeline.run_cases import Listener
from tests.tiny_config import tiny

VARIABLE = "captcha:width=60,height=24,length=1-3,variable=true,alphabet=digits"
SETTINGS = {"dataset": VARIABLE, "backbone": "cnn3:width=4", "augmentation": "distort", "amp": False}


def run(out, **settings):
    listener = Listener()
    ctcbench.run(tiny(**{**SETTINGS, **settings}), Runtime(out, listener=listener))
    (path,) = out.iterdir()
    return RunFolder(path), listener


def drawn(registry, count=7, dataset=VARIABLE):
    return [build_dataset(registry, dataset).source.draw("test", index) for index in range(count)]


def test_a_run_stores_the_frames_of_each_image_in_the_order_of_the_set(registry, tmp_path):
    folder, _ = run(tmp_path / "runs", epochs=1)
    stored, samples = folder.read_log_probs("test"), drawn(registry, 12)
    assert stored.texts == tuple(sample.text for sample in samples)
    assert stored.lengths_N.tolist() == [sample.image.shape[1] // 8 for sample in samples]
    assert stored.values_NTK.shape[1] == max(stored.lengths_N)
    recogniser = ctcbench.load(folder.path, "cpu")
    for row, sample in enumerate(samples):
        alone = recogniser.log_probs([sample.image])
        length = int(alone.lengths_N[0])
        assert length == stored.lengths_N[row]
        assert np.allclose(alone.values_NTK[0], stored.values_NTK[row, :length], atol=1e-4)


def test_pictures_are_read_together_as_they_are_alone(registry, tmp_path):
    folder, _ = run(tmp_path / "runs", epochs=1, max_steps=3)
    recogniser = ctcbench.load(folder.path, "cpu")
    pictures = [sample.image for sample in drawn(registry)]
    together = recogniser.predict(pictures)
    for picture, expected in zip(pictures, together, strict=True):
        (alone,) = recogniser.predict([picture])
        assert alone.text == expected.text
        assert alone.confidence == pytest.approx(expected.confidence, abs=1e-3)


def test_pictures_may_be_wider_than_the_training_images(registry, tmp_path, monkeypatch):
    folder, _ = run(tmp_path / "runs", epochs=1, max_steps=3)
    recogniser = ctcbench.load(folder.path, "cpu")
    assert (recogniser.image.width, recogniser.reader.widest) == (60, 240)
    wide = np.tile(drawn(registry, 1)[0].image, 8)[:, :240]
    assert recogniser.log_probs([wide]).lengths_N.tolist() == [wide.shape[1] // 8]
    (found,) = recogniser.predict([wide], positions=True)
    assert all(c.right <= wide.shape[1] for c in found.characters)
    with pytest.raises(ctcbench.BadSample, match=r"241 columns at height 24; at most 240 are allowed$"):
        recogniser.predict([np.zeros((24, 241), np.uint8)])
    # A network that has a part for each frame of the training images reads no wider ones.
    narrow = ctcbench.load(folder.path, "cpu")
    backbone = narrow.reader.model.backbone
    real = type(backbone).forward

    def forward(self, images_NCHW, *widths):
        if images_NCHW.shape[3] > 60:
            raise RuntimeError("7 positions")
        return real(self, images_NCHW, *widths)

    monkeypatch.setattr(type(backbone), "forward", forward)
    assert narrow.reader.widest == 60
    with pytest.raises(ctcbench.BadSample, match=r"61 columns at height 24; at most 60 are allowed$"):
        narrow.predict([np.zeros((24, 61), np.uint8)])


@pytest.mark.landing
def test_a_run_that_is_resumed_trains_the_same_weights(tmp_path, monkeypatch):
    from ctcbench.processes.signals import Interrupted
    from tests.pipeline.run_cases import interrupt_at

    whole, _ = run(tmp_path / "whole")
    with monkeypatch.context() as patched:
        interrupt_at(patched, 4)
        with pytest.raises(Interrupted):
            run(tmp_path / "parts")
    ctcbench.run(tiny(**SETTINGS), Runtime(tmp_path / "parts", resume=True, listener=Listener()))
    (path,) = (tmp_path / "parts").iterdir()
    assert (path / "weights.safetensors").read_bytes() == whole.weights_path.read_bytes()


def test_a_backbone_that_does_not_mask_is_named_and_has_batches_of_one_width(registry, tmp_path, monkeypatch):
    real = modules.Columns
    shapes = []

    class Plain(real):
        takes_widths = False

        def forward(self, images_NCHW):
            shapes.append(tuple(images_NCHW.shape))
            return super().forward(images_NCHW)

    monkeypatch.setattr(modules, "Columns", Plain)
    settings = {"backbone": "columns:stride=5", "head": "none", "epochs": 1, "train_samples": 30}
    folder, listener = run(tmp_path / "runs", **settings)
    named = [notice for notice in listener.notices if "does not mask padding" in notice]
    assert len(named) == 1
    assert "backbone 'columns:stride=5' does not mask padding (takes_widths)" in named[0]
    # One, two and three characters.
    assert {shape[3] for shape in shapes} >= {20, 40, 60}
    stored = folder.read_log_probs("test")
    assert stored.lengths_N.tolist() == [4 * len(sample.text) for sample in drawn(registry, 12)]
    recogniser = ctcbench.load(folder.path, "cpu")
    pictures = [sample.image for sample in drawn(registry)]
    texts = [prediction.text for prediction in recogniser.predict(pictures)]
    assert texts == [recogniser.predict([picture])[0].text for picture in pictures]


@pytest.mark.landing
def test_images_in_colour_are_trained_end_to_end(registry, tmp_path):
    from PIL import Image

    folder = tmp_path / "pictures"
    folder.mkdir()
    chance = np.random.default_rng(0)
    for number in range(60):
        pixels = chance.integers(0, 256, (12, 20 + number % 9, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{number % 10}-{number}.png")
    stored, _ = run(
        tmp_path / "runs",
        dataset=f"folder:path='{folder}',label=before-dash,height=12,width=30,fit=keep,channels=3",
        epochs=1,
        train_samples=40,
    )
    assert stored.read_log_probs("test").values_NTK.shape[2] == 11


def test_slots_is_refused_before_training(tmp_path):
    settings = {"head": "slots:count=3", "loss": "slots", "decoder": "slots", "shortcut": "none"}
    with pytest.raises(UsageError, match=r"--head slots:count=3 needs the same number of frames"):
        run(tmp_path / "runs", **settings)
