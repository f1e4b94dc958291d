"""A run stores the statistics of its training images, and its recogniser flags pictures of other kinds."""

import numpy as np
import pytest

import ctcbench
from ctcbench.config.recipe import resolve
from ctcbench.data.built_dataset import build_source
from ctcbench.pipeline import runner
from ctcbench.results.run_folder import RunFolder
from ctcbench.results.stored_familiarity import familiarity_path
from ctcbench.training.runtime import Runtime
from tests.pipeline.run_cases import flip
from tests.tiny_config import tiny


def test_a_recogniser_flags_pictures_of_another_kind(finished, registry):
    source = build_source(registry, finished.config["dataset"])
    recogniser = ctcbench.load(finished.folder)
    own = recogniser.predict([source.draw("test", index).image for index in range(10)])
    noise = np.random.default_rng(0).integers(0, 256, (3, 24, 60), np.uint8)
    foreign = recogniser.predict([*noise, np.zeros((300, 200), np.uint8)])
    assert sum(prediction.familiar for prediction in own) >= 8
    assert [prediction.familiar for prediction in foreign] == [False] * 4
    assert min(prediction.distance for prediction in foreign) > 1


def test_without_stored_statistics_it_is_not_known_and_the_next_run_stores_them(
    finished_copy, registry, tmp_path
):
    folder = RunFolder(finished_copy.folder)
    stored = familiarity_path(folder).read_bytes()
    familiarity_path(folder).unlink()
    (folder.path / "manifest.json").unlink()  # as in a run of an earlier version
    (prediction,) = ctcbench.load(folder.path).predict([np.zeros((24, 60), np.uint8)])
    assert prediction.familiar is None and prediction.distance is None
    runner.run(resolve(registry, tiny()), Runtime(folder.path.parent))
    assert familiarity_path(folder).read_bytes() == stored


def test_damaged_statistics_are_an_error(damaged):
    damaged.change("familiarity.json", flip)
    with pytest.raises(ctcbench.CtcbenchError, match=r"familiarity.json: changed since ctcbench wrote it"):
        ctcbench.load(damaged.path)
    (damaged.path / "manifest.json").unlink()
    damaged.change(
        "familiarity.json", '{"means": [0.0], "scales": [1.0], "whitening": [[1.0]], "limit": 1.0}'
    )
    with pytest.raises(ctcbench.CtcbenchError, match=r"familiarity.json: 1 statistics, but images with 1"):
        ctcbench.load(damaged.path)
