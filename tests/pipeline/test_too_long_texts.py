"""Runs whose images have too few frames for their texts: left out, refused, or scored as errors."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
from PIL import Image

from ctcbench.__main__ import main
from ctcbench.api import load
from ctcbench.config.recipe import resolve
from ctcbench.contract.errors import UsageError
from ctcbench.pipeline import runner
from ctcbench.pipeline.decoding_stage import decode_stored
from ctcbench.results.run_folder import RunFolder
from ctcbench.training.runtime import Runtime
from tests.pipeline.run_cases import Listener
from tests.tiny_config import tiny
from tests.training.distributed.torchrun_cases import torchrun

SIZES = {"train": 40, "val": 8, "test": 12}
LONG = {"train": ("1111111", "12121212"), "val": ("31313131",), "test": ("42424242", "4444444")}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Splits of two-digit texts, some of which have a text of more than seven frames or a narrow picture."""
    root = tmp_path_factory.mktemp("pictures")
    pixels = np.random.default_rng(0)
    for split, size in SIZES.items():
        (root / split).mkdir()
        for text in [*map(str, range(10, 10 + size)), *LONG[split]]:
            array = pixels.integers(0, 256, (24, 60), dtype=np.uint8)
            Image.fromarray(array).save(root / split / f"{text}.png")
        Image.new("L", (4, 24)).save(root / split / "99.png")  # with fit=pad a single frame
    return root


def config(folder, fit="pad", **settings):
    dataset = f"folder:path='{folder}',width=60,height=24,fit={fit},alphabet=digits"
    usual = {"backbone": "cnn3:width=4", "head": "none", "train_samples": 99}
    return tiny(dataset=dataset, **{**usual, **settings})


def run(registry, out, settings):
    listener = Listener()
    return runner.run(resolve(registry, settings), Runtime(out, listener=listener)), listener.notices


def test_training_and_validation_images_are_left_out_and_test_images_stay(registry, folder, tmp_path):
    settings = config(folder, skip_bad=True, val_samples=99, test_samples=99)
    result, notices = run(registry, tmp_path, settings)
    (left_out,) = [text for text in notices if "left out" in text]
    assert left_out.startswith("3 of 43 samples of 'train' and 2 of 10 samples of 'val' have texts that are")
    for split in ("train", "val"):
        for name in (*LONG[split], "99"):
            assert f"\n  {folder / split / name}.png: text '{name}' needs " in left_out
    (stay,) = [text for text in notices if "count as errors" in text]
    assert stay.startswith("3 of 15 samples of 'test' have texts")
    assert all(f"{folder}/test/{name}.png" in stay for name in (*LONG["test"], "99"))

    data = result.provenance["data"]
    assert data["images"] == {"train": 40, "val": 8, "test": 15}
    assert data["left_out"] == {"train": 3, "val": 2, "test": 0}
    assert data["too_long"] == 3
    assert result.score.images == 15
    run_folder = RunFolder(result.folder)
    predictions = run_folder.read_predictions("greedy")
    pairs = dict(zip(predictions.targets, predictions.texts, strict=True))
    assert set(LONG["test"]) <= set(pairs) and not any(pairs[text] == text for text in LONG["test"])
    validated = run_folder.read_log_probs("val")
    assert (len(validated), validated.left_out) == (8, 2)
    assert 0.25 <= load(result.folder).sharpness <= 16

    again = decode_stored(registry, result.folder, "beam_cpp")
    assert again.provenance["data"] == data
    # Neither trained nor read again; a recogniser of more frames is scored on the same images.
    same, notices = run(registry, tmp_path, settings)
    assert same.score == result.score and not [text for text in notices if "too long" in text]
    wide = config(folder, skip_bad=True, val_samples=99, test_samples=99, fit="stretch")
    other, _ = run(registry, tmp_path, wide.replace(backbone="columns"))
    assert (other.score.images, other.provenance["data"]["too_long"]) == (15, 0)
    assert other.provenance["data"]["left_out"] == {"train": 0, "val": 0, "test": 0}


def test_without_skip_bad_all_are_counted_and_named(registry, folder, tmp_path):
    with pytest.raises(UsageError) as error:
        run(registry, tmp_path, config(folder, val_samples=99))
    text = str(error.value)
    assert "3 of 43 samples of 'train' and 2 of 10 samples of 'val' have texts that are too long" in text
    assert all(f"{name}.png" in text for name in (*LONG["train"], *LONG["val"], "99"))
    assert "\n--skip-bad leaves such samples out; use wider images" in text
    assert not list(tmp_path.glob("*/weights.safetensors"))


def test_a_test_image_alone_is_no_error(registry, folder, tmp_path):
    lone = tmp_path / "lone"
    for split in SIZES:
        (lone / split).mkdir(parents=True)
        for text in map(str, range(10, 10 + SIZES[split])):
            (lone / split / f"{text}.png").symlink_to(folder / split / f"{text}.png")
    (lone / "test" / "4444444.png").symlink_to(folder / "test" / "4444444.png")
    result, notices = run(registry, tmp_path / "runs", config(lone, test_samples=4, fit="stretch"))
    everything, later = run(registry, tmp_path / "runs", config(lone, test_samples=99, fit="stretch"))
    assert everything.folder == result.folder  # read again, not trained again
    for shown in (notices if result.provenance["data"]["too_long"] else []), later:
        assert sum("count as errors" in text for text in shown) == bool(shown)
    assert everything.provenance["data"]["too_long"] == 1
    assert everything.score.images == 13


def test_many_are_counted_and_ten_are_named(registry, folder, tmp_path):
    long = tmp_path / "long"
    for split in SIZES:
        (long / split).mkdir(parents=True)
        for i in range(20):
            name = f"{10000000 + i}.png" if split == "train" else f"{i}.png"
            shutil.copy(folder / split / "10.png", long / split / name)
    with pytest.raises(UsageError) as error:
        run(registry, tmp_path / "runs", config(long, fit="stretch"))
    assert str(error.value).startswith("20 of 20 samples of 'train' have texts")
    assert str(error.value).count(".png: ") == 10 and "\n  and 10 more\nno 'train' sample is left" in str(
        error.value
    )
    with pytest.raises(UsageError, match="no 'train' sample is left; use wider images"):
        run(registry, tmp_path / "runs", config(long, skip_bad=True, fit="stretch"))


@pytest.mark.landing
def test_two_processes_leave_out_the_same_images_and_list_them_once(folder, tmp_path):
    words = [
        *("--dataset", config(folder).dataset, "--skip-bad", "--backbone", "cnn3:width=4", "--head", "none"),
        *("--train-samples", "99", "--val-samples", "99", "--test-samples", "99", "--batch-size", "9"),
        *("--epochs", "1", "--device", "cpu", "--no-amp", "--out", str(tmp_path / "runs"), "--json"),
    ]
    ended = torchrun("-m", "ctcbench", "run", *words)
    assert ended.returncode == 0, ended.stderr
    assert ended.stderr.count("left out:") == 1 and ended.stderr.count("count as errors:") == 1
    data = json.loads(ended.stdout)["provenance"]["data"]
    assert data["images"] == {"train": 40, "val": 8, "test": 15}
    assert data["left_out"] == {"train": 3, "val": 2, "test": 0}


@pytest.mark.landing
def test_the_models_of_a_study_are_scored_on_the_same_images(folder, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "200")
    words = [
        *("--dataset", config(folder).dataset, "--skip-bad", "--head", "none", "--epochs", "1"),
        *("--backbone", "cnn3:width=4", "--backbone", "columns", "--decoder", "greedy"),
        *("--train-samples", "99", "--val-samples", "99", "--test-samples", "99", "--batch-size", "20"),
        *("--device", "cpu", "--no-amp", "--out", str(tmp_path / "study"), "--json"),
    ]
    assert main(["ablate", *words]) == 0
    printed = capsys.readouterr()
    assert "too long for the frames that backbone cnn3:width=4" in printed.err
    results = json.loads(printed.out)["results"]
    assert {result["score"]["images"] for result in results} == {15}
    data = {result["config"]["backbone"]: result["provenance"]["data"] for result in results}
    assert len({entry["fingerprint"] for entry in data.values()}) == 1
    assert [data[name]["too_long"] for name in ("cnn3:width=4", "columns")] == [3, 0]
    assert [data[name]["images"]["train"] for name in ("cnn3:width=4", "columns")] == [40, 43]
