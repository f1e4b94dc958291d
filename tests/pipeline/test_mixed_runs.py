"""Runs whose training images are of two data sets."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from ctcbench.config.recipe import resolve
from ctcbench.contract.errors import CtcbenchError, UsageError
from ctcbench.data.built_dataset import BuiltDataset
from ctcbench.data.mixed_dataset import MixedDataset
from ctcbench.pipeline import runner
from ctcbench.processes.signals import Interrupted
from ctcbench.results.run_folder import RunFolder
from ctcbench.results.stored_config import stored_config
from ctcbench.training.runtime import Runtime
from tests.pipeline.run_cases import Listener, interrupt_at
from tests.tiny_config import TINY, tiny

EXTRA = TINY["dataset"]
TOO_LONG = "1212121212121212"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a folder of pictures: of 11 for training one has a text that is too long."""
    root = tmp_path_factory.mktemp("pictures")
    pixels = np.random.default_rng(0)
    for split, texts in [("train", [*map(str, range(10, 20)), TOO_LONG]), ("val", "12"), ("test", "345")]:
        (root / split).mkdir()
        for text in texts:
            array = pixels.integers(0, 256, (24, 60), dtype=np.uint8)
            Image.fromarray(array).save(root / split / f"{text}.png")
    return root


def settings(folder, **more):
    dataset = f"folder:path='{folder}',width=60,height=24,alphabet=digits"
    mixed = {"extra_dataset": EXTRA, "extra_share": 0.6, "train_samples": 80, "skip_bad": True}
    return tiny(dataset=dataset, **{**mixed, **more})


def run(registry, out, config, **runtime):
    listener = Listener()
    return runner.run(resolve(registry, config), Runtime(out, listener=listener, **runtime)), listener.notices


@pytest.fixture(scope="module")
def mixed(registry, folder, own_cache, tmp_path_factory):
    return run(registry, tmp_path_factory.mktemp("mixed"), settings(folder))


def test_the_numbers_of_both_sets_are_recorded_and_a_repeated_text_counts_once(mixed, folder):
    result, notices = mixed
    # 32 images are of the folder: each of the 11 pictures is used twice or three times.
    (found,) = [text for text in notices if text.startswith("training images: ")]
    assert f"32 of {result.config['dataset']} (11 different ones) and 48 of {EXTRA}" in found
    (left_out,) = [text for text in notices if "too long" in text]
    assert left_out.startswith("1 of 59 samples of 'train' have texts") and left_out.count(TOO_LONG) == 2
    data = result.provenance["data"]
    ours, theirs = data["training_sets"]
    assert ours["dataset"] == result.config["dataset"] and 29 <= ours["images"] <= 30
    assert (ours["different"], theirs) == (10, {"dataset": EXTRA, "images": 48, "different": 48})
    assert data["images"]["train"] == ours["images"] + 48
    assert data["left_out"] == {"train": 1, "val": 0, "test": 0}


def test_a_share_without_images_is_an_error_before_anything_is_written(registry, folder, tmp_path):
    with pytest.raises(
        UsageError, match=r"^--extra-share 1e-300: none of 80 training images would be of --ext"
    ):
        run(registry, tmp_path / "runs", settings(folder, extra_share=1e-300))
    assert not (tmp_path / "runs").exists()


def test_without_skip_bad_the_repeated_text_is_listed_once(registry, folder, tmp_path):
    with pytest.raises(UsageError, match=r"^1 of 59 samples of 'train' have texts") as raised:
        run(registry, tmp_path, settings(folder, skip_bad=False))
    assert str(raised.value).count("\n  ") == 1


def test_the_test_images_are_those_of_a_run_without_the_extra_set(registry, mixed, folder, tmp_path):
    alone, _ = run(registry, tmp_path, settings(folder, extra_dataset="", extra_share=0.5))
    result, _ = mixed
    assert alone.folder.name != result.folder.name
    for split in ("val", "fingerprint"):
        assert alone.provenance["data"][split] == result.provenance["data"][split]
    assert alone.provenance["data"]["train"] != result.provenance["data"]["train"]
    assert "training_sets" not in alone.provenance["data"]


def test_a_run_that_is_stopped_and_resumed_has_the_same_weights(
    registry, mixed, folder, tmp_path, monkeypatch
):
    with monkeypatch.context() as patch, pytest.raises(Interrupted):
        interrupt_at(patch, 4)
        run(registry, tmp_path, settings(folder))
    resumed, _ = run(registry, tmp_path, settings(folder), resume=True)
    paths = [RunFolder(result.folder).weights_path for result in (resumed, mixed[0])]
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_a_run_that_an_earlier_version_began_with_copies_of_images_is_resumed(
    registry, mixed, folder, tmp_path, monkeypatch
):
    with monkeypatch.context() as patch, pytest.raises(Interrupted):
        patch.setenv("CTCBENCH_CACHE", str(tmp_path / "copies"))
        patch.setattr(MixedDataset, "rows", BuiltDataset.rows)
        interrupt_at(patch, 4)
        run(registry, tmp_path / "runs", settings(folder))
    assert not list((tmp_path / "copies").glob("*/rows.npy"))
    # The images are drawn again, and those of repeated samples are stored once.
    monkeypatch.setenv("CTCBENCH_CACHE", str(tmp_path / "once"))
    resumed, _ = run(registry, tmp_path / "runs", settings(folder), resume=True)
    assert list((tmp_path / "once").glob("*/rows.npy"))
    assert resumed.provenance["data"] == mixed[0].provenance["data"]
    paths = [RunFolder(result.folder).weights_path for result in (resumed, mixed[0])]
    assert paths[0].read_bytes() == paths[1].read_bytes()


@pytest.mark.parametrize("balance", [0.0, 1.0])
@pytest.mark.parametrize("variable", [False, True])
def test_the_weights_are_those_of_copies_of_the_images(registry, tmp_path, monkeypatch, variable, balance):
    chance, sets = np.random.default_rng(0), []
    for name, count in [("one", 9), ("other", 5)]:
        for split in ("train", "val", "test"):
            (tmp_path / name / split).mkdir(parents=True)
            for number in range(count if split == "train" else 2):
                pixels = chance.integers(0, 256, (24, chance.integers(30, 70), 3), dtype=np.uint8)
                Image.fromarray(pixels).save(tmp_path / name / split / f"{3 * number}.png")
        fit = "keep" if variable else "pad"
        sets.append(
            f"folder:path='{tmp_path / name}',width=72,height=24,channels=3,fit={fit},alphabet=digits"
        )
    config = tiny(
        dataset=sets[0], extra_dataset=sets[1], extra_share=0.3, batch_size=8, balance=balance, amp=False
    )
    found = {}
    for name in ("once", "copies"):
        with monkeypatch.context() as patch:
            patch.setenv("CTCBENCH_CACHE", str(tmp_path / f"cache {name}"))
            if name == "copies":
                patch.setattr(MixedDataset, "rows", BuiltDataset.rows)
            result, _ = run(registry, tmp_path / name, config)
        assert len(list((tmp_path / f"cache {name}").glob("*/rows.npy"))) == (name == "once")
        found[name] = RunFolder(result.folder).weights_path.read_bytes(), result.provenance["data"]
    assert found["once"] == found["copies"]
    assert [part["different"] for part in found["once"][1]["training_sets"]] == [9, 5]


def test_rare_characters_are_balanced_over_both_sets(registry, folder, tmp_path):
    balanced, _ = run(registry, tmp_path, settings(folder, balance=1.0, epochs=1))
    assert balanced.provenance["training"]["steps"] == 5


def test_the_extra_set_of_a_stored_run_can_not_name_a_file_for_its_alphabet(
    registry, mixed, tmp_path, monkeypatch
):
    config = resolve(registry, tiny(extra_dataset=EXTRA)).config
    assert config.extra_dataset == EXTRA
    stored = RunFolder(tmp_path)
    text = RunFolder(mixed[0].folder).config_path.read_text()
    stored.config_path.write_text(text.replace(EXTRA, f"{EXTRA.partition(',')[0]},alphabet=@/etc/hostname"))
    opened = []
    monkeypatch.setattr("ctcbench.builtin.alphabets.read_characters", opened.append)
    with pytest.raises(CtcbenchError, match=r"extra_dataset: alphabet='@/etc/hostname' names a file"):
        stored_config(stored)
    assert not opened
