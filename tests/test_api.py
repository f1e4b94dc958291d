"""ctcbench.load and predict: pictures of any kind, the decoder of the run, damaged run folders."""

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

import ctcbench
from ctcbench.config.recipe import resolve
from ctcbench.contract.errors import CtcbenchError, UsageError
from ctcbench.pipeline import runner
from ctcbench.recognition import picture_stream
from ctcbench.results.run_folder import RunFolder
from ctcbench.training.runtime import Runtime
from tests.pipeline.run_cases import flip, pictures_config
from tests.tiny_config import tiny


def test_reads_pictures_of_any_kind(finished, tmp_path):
    recogniser = ctcbench.load(finished.folder)
    array = np.full((50, 100), 255, np.uint8)
    picture = Image.fromarray(array).convert("RGBA")
    picture.save(tmp_path / "a.png")
    predictions = recogniser.predict([tmp_path / "a.png", picture, array])
    assert len({(p.text, p.confidence) for p in predictions}) == 1
    assert 0 <= predictions[0].confidence <= 1
    assert 0.25 <= recogniser.sharpness <= 16
    assert repr(recogniser).startswith("Recogniser(decoder=") and str(finished.folder) in repr(recogniser)
    assert recogniser.predict([]) == []
    with pytest.raises(ctcbench.BadSample, match=r"none.png: no such file"):
        recogniser.predict([tmp_path / "none.png"])
    with pytest.raises(ctcbench.BadSample, match=r"picture 1: "):
        recogniser.predict([array, np.zeros((2, 2, 2, 2), np.uint8)])
    assert len(recogniser.predict(picture for _ in range(2))) == 2
    content = (tmp_path / "a.png").read_bytes()
    with (tmp_path / "a.png").open("rb") as file:
        several = [content, io.BytesIO(content), file, recogniser.prepare(picture), array.astype(np.int64)]
        others = recogniser.predict(several)
    # The last bits of a confidence depend on the number of pictures in its batch.
    assert [one.confidence for one in others] == pytest.approx([predictions[0].confidence] * 5, rel=1e-6)
    first = replace(predictions[0], confidence=None)
    assert [replace(one, confidence=None) for one in others] == [first] * 5
    with pytest.raises(ctcbench.BadSample, match=r"a.png: .*closed"):
        recogniser.predict([file])
    with pytest.raises(ctcbench.BadSample, match=r"^not a picture of a known format"):
        recogniser.prepare(b"text")
    with pytest.raises(ctcbench.BadSample, match=r"picture 1: not a picture of a known format"):
        recogniser.predict([picture, b"text"])
    for one in (
        str(tmp_path / "a.png"),
        tmp_path / "a.png",
        picture,
        array,
        None,
        b"png",
        io.BytesIO(content),
    ):
        with pytest.raises(ctcbench.UsageError, match="pictures come in a list"):
            recogniser.predict(one)
    assert "registry" not in repr(recogniser)
    with pytest.raises(ctcbench.UsageError, match="takes a RunConfig, not dict"):
        ctcbench.run({"epochs": 1})


def test_predictions_equal_those_of_the_run(finished, registry):
    from ctcbench.data.built_dataset import build_dataset
    from ctcbench.data.materialise import materialise

    samples = materialise(build_dataset(registry, finished.config["dataset"]), "test", 12)
    recogniser = ctcbench.load(finished.folder)
    pictures = list(samples.images_NCHW[:, 0])
    ours = np.exp(recogniser.log_probs(pictures).values_NTK)
    stored = np.exp(RunFolder(finished.folder).read_log_probs("test").values_NTK)
    others = np.exp(recogniser.log_probs(pictures[1:] + pictures[:1]).values_NTK)
    differ = np.abs(ours - stored).max()  # mixed precision there, float32 here
    assert differ < 0.3 * np.abs(others - stored).max()


def test_predict_applies_the_blank_penalty_of_the_decoder(registry, tmp_path):
    from ctcbench.data.built_dataset import build_dataset
    from ctcbench.data.materialise import materialise

    # At the end of these steps every frame is most probably blank.
    config = tiny(blank_penalty=3.0, lr=1e-2, epochs=10, head="none", amp=False)
    samples = materialise(build_dataset(registry, config.dataset), "test", config.test_samples)
    lengths = []
    for decoder in ("greedy", "greedy:blank_penalty=3"):
        result = runner.run(resolve(registry, config.replace(decoder=decoder)), Runtime(tmp_path))
        stored = RunFolder(result.folder).read_predictions(result.path.stem)
        lengths.append(result.score.mean_length)
        recogniser = replace(ctcbench.load(result.folder), decoder=decoder)
        readings = recogniser.predict(list(samples.images_NCHW[:, 0]))
        assert [reading.text for reading in readings] == list(stored.texts)
    assert lengths[0] == 0 and lengths[1] > 1
    assert len(list(tmp_path.glob("*/results/greedy*.json"))) == 2, "one model, two results"


def test_more_pictures_than_a_batch(finished, registry, monkeypatch):
    from ctcbench.data.built_dataset import build_dataset
    from ctcbench.data.materialise import materialise

    pictures = list(
        materialise(build_dataset(registry, finished.config["dataset"]), "test", 12).images_NCHW[:, 0]
    )
    recogniser = ctcbench.load(finished.folder)
    whole = recogniser.log_probs(pictures)
    monkeypatch.setattr(picture_stream, "_GROUP_PICTURES", 5)
    parts = recogniser.log_probs(pictures)
    assert np.allclose(parts.values_NTK, whole.values_NTK, atol=1e-4)
    assert np.array_equal(parts.lengths_N, whole.lengths_N)
    with pytest.raises(ctcbench.BadSample, match="picture 11: "):
        recogniser.predict([*pictures[:11], np.zeros((2, 2, 2, 2), np.uint8)])


def test_pictures_are_scaled_like_the_training_images(registry, pictures, tmp_path):
    result = runner.run(resolve(registry, pictures_config(pictures, amp=False)), Runtime(tmp_path / "runs"))
    stored = RunFolder(result.folder).read_log_probs("test")
    assert set(stored.lengths_N.tolist()) == {4}  # 30 of 60 columns are picture, of 7 frames
    recogniser = ctcbench.load(result.folder)
    read = recogniser.log_probs([pictures / f"{text}.png" for text in stored.texts])
    assert read.lengths_N.tolist() == stored.lengths_N.tolist()
    assert np.abs(np.exp(read.values_NTK) - np.exp(stored.values_NTK)).max() < 1e-4


def test_loading_a_folder_that_is_no_run(tmp_path):
    with pytest.raises(UsageError, match="no trained run there"):
        ctcbench.load(tmp_path)
    with pytest.raises(UsageError, match="File name too long"):
        ctcbench.load(tmp_path / ("a" * 300))


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("weights.safetensors", flip, "weights.safetensors: damaged (wrong checksum)"),
        ("weights.safetensors", lambda content: content[:-9], "weights.safetensors: damaged or cut off"),
        ("recognizer.json", '{"image": {"height": 24.5, "width": 60, "channels": 1}, "fit": "pad", '
         '"alphabet": "01"}', "recognizer.json: image.height: expected"),
        ("recognizer.json", '{"image": {"height": 24, "width": 1000000000, "channels": 1}, "fit": "pad", '
         '"alphabet": "01"}', "recognizer.json: image.width: expected"),
        ("recognizer.json", '{"image": {"height": 24, "width": 60, "channels": 1}, "alphabet": "01"}',
         "recognizer.json: fit: missing"),
    ],
)  # fmt: skip
def test_loading_reports_a_damaged_file(damaged, name, content, words):
    damaged.change(name, content)
    with pytest.raises(CtcbenchError, match=rf"{name}: changed since ctcbench wrote it"):
        ctcbench.load(damaged.path)
    (damaged.path / "manifest.json").unlink()  # as in runs of earlier versions
    with pytest.raises(CtcbenchError) as error:
        ctcbench.load(damaged.path)
    assert words in str(error.value)
