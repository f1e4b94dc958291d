"""Runs with validation and test labels of characters that the training labels lack."""

from __future__ import annotations

import json
import math

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

KNOWN = {"train": 40, "val": 8, "test": 12}
FOREIGN = {"val": ("1é", "2x"), "test": ("é7é", "🙂1")}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Return two folders with the same pictures of two digits; the second has others for val and test."""
    root, pixels = tmp_path_factory.mktemp("pictures"), np.random.default_rng(0)
    for split, size in KNOWN.items():
        for text in [*map(str, range(10, 10 + size)), *FOREIGN.get(split, ())]:
            picture = Image.fromarray(pixels.integers(0, 256, (24, 60), dtype=np.uint8))
            for name in ["with"] if text in FOREIGN.get(split, ()) else ["without", "with"]:
                (root / name / split).mkdir(parents=True, exist_ok=True)
                picture.save(root / name / split / f"{text}.png")
    return root / "without", root / "with"


def config(folder, options="", **settings):
    dataset = f"folder:path='{folder}',label=stem,width=60,height=24{options}"
    usual = {"train_samples": 99, "val_samples": 99, "test_samples": 99, "batch_size": 8}
    return tiny(dataset=dataset, **{**usual, **settings})


def run(registry, out, settings):
    listener = Listener()
    return runner.run(resolve(registry, settings), Runtime(out, listener=listener)), listener.notices


def epochs(result):
    lines = map(json.loads, (result.folder / "metrics.jsonl").read_text().splitlines())
    return [line for line in lines if line["kind"] == "epoch"]


@pytest.fixture(scope="module")
def pair(registry, folders, own_cache, tmp_path_factory):
    return [run(registry, tmp_path_factory.mktemp("runs"), config(folder)) for folder in folders]


def test_one_line_names_the_characters_and_the_samples(pair):
    (_, plain), (_, notices) = pair
    (line,) = [text for text in notices if "the alphabet lacks" in text]
    assert line == (
        "2 of 10 samples of 'val' and 2 of 14 samples of 'test' have characters that the alphabet lacks: "
        "'é' (3 times), 'x' (once) and '🙂' (once). Such samples are scored and count as errors. To read "
        "them, a training needs pictures that show them; alphabet=auto+[xé🙂] adds their classes, not what "
        "they look like"
    )
    assert not [text for text in plain if "the alphabet lacks" in text]


def test_such_test_samples_are_scored_as_errors(registry, pair):
    (plain, _), (found, _) = pair
    assert (plain.score.images, found.score.images) == (12, 14)
    assert found.provenance["data"]["left_out"] == {"train": 0, "val": 0, "test": 0}
    assert [one.provenance["data"]["unreadable"] for one in (plain, found)] == [0, 2]
    predictions = RunFolder(found.folder).read_predictions("greedy")
    read = dict(zip(predictions.targets, predictions.texts, strict=True))
    assert set(FOREIGN["test"]) <= set(read) and not any(read[text] == text for text in FOREIGN["test"])
    assert found.score.exact * 14 == pytest.approx(plain.score.exact * 12)
    again = decode_stored(registry, found.folder, "beam_cpp")
    assert again.provenance["data"] == found.provenance["data"] and again.score.images == 14


def test_the_weights_and_the_validation_loss_are_those_without_such_samples(pair):
    (plain, _), (found, _) = pair
    weights = [(result.folder / "weights.safetensors").read_bytes() for result in (plain, found)]
    # The digest of the description, which is in the header, is that of the same alphabet.
    assert weights[0] == weights[1]
    for one, other in zip(epochs(plain), epochs(found), strict=True):
        assert one["val_loss"] == pytest.approx(other["val_loss"], abs=1e-6)
        assert other["val_exact"] * 10 == pytest.approx(one["val_exact"] * 8)
        assert other["val_cer"] >= 2 / 20
    assert load(plain.folder).sharpness == pytest.approx(load(found.folder).sharpness, rel=1e-6)


def test_skip_bad_does_not_leave_them_out_and_an_alphabet_may_contain_them(registry, folders, tmp_path):
    skipped, notices = run(registry, tmp_path, config(folders[1], skip_bad=True, epochs=1))
    assert skipped.score.images == 14 and [text for text in notices if "the alphabet lacks" in text]
    wider, notices = run(registry, tmp_path, config(folders[1], ",alphabet=auto+[xé🙂]", epochs=1))
    assert wider.score.images == 14 and wider.provenance["data"]["unreadable"] == 0
    assert not [text for text in notices if "lacks" in text]
    assert RunFolder(wider.folder).read_log_probs("test").alphabet.characters == "0123456789xé🙂"


def test_of_a_typed_alphabet_training_labels_are_an_error_and_test_labels_are_not(
    registry, folders, tmp_path
):
    typed, notices = run(registry, tmp_path, config(folders[1], ",alphabet=digits", epochs=1))
    assert typed.score.images == 14
    (line,) = [text for text in notices if "lacks" in text]
    assert line.endswith("needs pictures that show them, and an alphabet with these characters")
    listener = Listener()
    narrow = resolve(registry, config(folders[1], ",alphabet=range(0-4)"))
    with pytest.raises(UsageError, match=r"16.png: its label '16' has '6', which the alphabet lacks"):
        runner.run(narrow, Runtime(tmp_path, listener=listener))
    (line,) = [text for text in listener.notices if "lacks" in text]
    assert line.startswith("the alphabet lacks '5' (4 times), '6' (4 times), ") and "training labels" in line


def test_with_an_extra_set_its_characters_can_be_read(registry, folders, tmp_path):
    extra = "captcha:width=60,height=24,length=2,alphabet=[xy]"
    settings = config(folders[1], extra_dataset=extra, extra_share=0.5, epochs=1)
    mixed, notices = run(registry, tmp_path, settings)
    (line,) = [text for text in notices if "alphabet lacks" in text]
    assert line.startswith("1 of 10 samples of 'val' and 2 of 14 samples of 'test'") and "'x'" not in line
    assert mixed.provenance["data"]["unreadable"] == 2


def test_a_validation_without_any_readable_text_is_an_error(registry, folders, tmp_path):
    for split, texts in {"train": "123456789", "val": "xy", "test": "12"}.items():
        (tmp_path / "lone" / split).mkdir(parents=True)
        for text in texts:
            Image.new("L", (60, 24)).save(tmp_path / "lone" / split / f"{text}.png")
    with pytest.raises(UsageError, match=r"each sample of 'val' has characters that the alphabet lacks"):
        run(registry, tmp_path / "runs", config(tmp_path / "lone"))


def test_the_other_commands_take_such_a_run(pair, folders, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "400")
    (_, _), (found, _) = pair
    assert main(["evaluate", str(found.folder), f"folder:path={folders[1]},label=stem", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["images"], document["unreadable"]) == (14, 2)
    assert document["exact"] == found.score.exact and document["cer"] == pytest.approx(found.score.cer)
    for form, named in (
        ("md", "row 1: 2 test texts have characters that its alphabet lacks"),
        ("card", "2 test texts have characters that the alphabet lacks"),
        ("html", json.dumps("🙂")[1:-1]),
    ):
        assert main(["report", str(found.folder), "--format", form, "-o", str(tmp_path / form)]) == 0
        assert named in (tmp_path / form).read_text()
    capsys.readouterr()
    assert all(math.isfinite(epoch["val_loss"]) for epoch in epochs(found))
