"""Runs on right-to-left labels: the same bits as of mirrored pictures read from left to right."""

from __future__ import annotations

import random

import numpy as np
import pytest
from PIL import Image, ImageOps
from safetensors.numpy import load_file

from ctcbench.api import load
from ctcbench.config.recipe import resolve
from ctcbench.contract.errors import UsageError
from ctcbench.contract.frame_order import reorder_right_to_left
from ctcbench.pipeline import runner
from ctcbench.pipeline.decoding_stage import decode_stored
from ctcbench.results.run_folder import RunFolder
from ctcbench.training.runtime import Runtime
from tests.pipeline.run_cases import Listener
from tests.tiny_config import tiny

CHARACTERS = "אבגד123."


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Pictures with labels in logical order, and their mirror images with labels in the order of frames."""
    logical, mirrored = tmp_path_factory.mktemp("logical"), tmp_path_factory.mktemp("mirrored")
    choose, pixels = random.Random(0), np.random.default_rng(0)
    lines: dict[str, list[str]] = {"logical": [], "mirrored": []}
    for i in range(80):
        label = "".join(choose.choices(CHARACTERS, k=choose.randint(1, 3)))
        array = pixels.integers(0, 256, (24, choose.choice((40, 60))), dtype=np.uint8)
        picture = Image.fromarray(array)
        picture.save(logical / f"{i}.png")
        ImageOps.mirror(picture).save(mirrored / f"{i}.png")
        lines["logical"].append(f"{i}.png\t{label}\n")
        lines["mirrored"].append(f"{i}.png\t{reorder_right_to_left(label)}\n")
    (logical / "labels.txt").write_text("".join(lines["logical"]), encoding="utf-8")
    (mirrored / "labels.txt").write_text("".join(lines["mirrored"]), encoding="utf-8")
    return logical, mirrored


def config(folder, direction, fit="pad", **settings):
    dataset = f"folder:path='{folder}',width=60,height=24,fit={fit},direction={direction}"
    return tiny(dataset=dataset, head="lstm1:width=8", lr=1e-2, amp=False, **settings)


def run(registry, out, settings):
    listener = Listener()
    result = runner.run(resolve(registry, settings), Runtime(out, listener=listener))
    return result, RunFolder(result.folder), listener.notices


@pytest.mark.parametrize("fit", ["pad", "stretch"])
def test_reading_from_right_to_left_is_reading_the_mirror_image(registry, folders, tmp_path, fit):
    logical, mirrored = folders
    rtl, ours, quiet = run(registry, tmp_path, config(logical, "rtl", fit))
    ltr, theirs, notices = run(registry, tmp_path, config(mirrored, "ltr", fit))
    assert ours.path != theirs.path
    assert not any("right-to-left" in text for text in quiet)
    assert sum("have right-to-left letters" in text and "direction=rtl" in text for text in notices) == 1
    weights = [load_file(folder.weights_path) for folder in (ours, theirs)]
    assert all(np.array_equal(weights[0][name], weights[1][name]) for name in weights[1])
    for split in ("val", "test"):
        here, there = (folder.read_log_probs(split) for folder in (ours, theirs))
        assert (here.alphabet.direction, there.alphabet.direction) == ("rtl", "ltr")
        assert np.array_equal(here.values_NTK, there.values_NTK)
        assert [reorder_right_to_left(text) for text in here.texts] == list(there.texts)
    assert rtl.score.exact == ltr.score.exact

    stored = ours.read_predictions("greedy")
    left_to_right = theirs.read_predictions("greedy")
    assert [reorder_right_to_left(text) for text in stored.texts] == list(left_to_right.texts)
    again = decode_stored(registry, ours.path, "beam_cpp")
    assert again.score.images == rtl.score.images
    # The pictures themselves, in place of the log-probabilities that were stored.
    labels = dict(line.split("\t") for line in (logical / "labels.txt").read_text("utf-8").splitlines())
    names = [name for name, label in labels.items() if label in stored.targets]
    readings = {labels[n]: p.text for n, p in zip(names, predict(ours, logical, names), strict=True)}
    mirror = {labels[n]: p.text for n, p in zip(names, predict(theirs, mirrored, names), strict=True)}
    assert {label: reorder_right_to_left(text) for label, text in readings.items()} == mirror
    assert all(readings.values())


def predict(folder, pictures, names):
    # With so few steps most frames are blank, whose probability the penalty reduces.
    return load(folder.path).predict([pictures / n for n in names], decoder="greedy:blank_penalty=30")


def test_weights_of_another_direction_are_refused(registry, folders, tmp_path):
    logical, _ = folders
    _, first, _ = run(registry, tmp_path, config(logical, "rtl", epochs=1))
    with pytest.raises(UsageError, match="with direction=rtl, this run has direction=ltr"):
        run(registry, tmp_path, config(logical, "ltr", epochs=1, init_from=str(first.path)))


def test_labels_are_those_that_decoding_returns(registry, tmp_path):
    for name in ("א abc 12", "א 12 abc", "אב", "a٢ 1"):
        Image.new("L", (60, 24)).save(tmp_path / f"{name}.png")
    source = registry.build("dataset", f"folder:path='{tmp_path}',val=0,test=0,direction=rtl,label=stem")
    drawn, bad = set(), []
    for index in range(4):
        try:
            drawn.add(source.draw("train", index).text)
        except Exception as error:
            bad.append(str(error))
    # The first two look the same.
    assert drawn == {"א 12 abc", "אב"}
    assert bad == ["its label 'a٢ 1' mixes scripts and digits in a way that a picture does not determine"]


def test_a_direction_that_no_label_has_gets_a_notice(registry, tmp_path):
    Image.new("L", (60, 24)).save(tmp_path / "abc.png")
    source = registry.build("dataset", f"folder:path='{tmp_path}',val=0,test=0,direction=rtl,label=stem")
    assert "direction=rtl, but no training label has right-to-left letters" in source.notices
