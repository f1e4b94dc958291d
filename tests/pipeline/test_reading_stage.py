"""Log-probs: normalised, of the right images, computed again only where the images changed."""

import numpy as np
import pytest

from ctcbench.config.recipe import resolve
from ctcbench.pipeline import runner
from ctcbench.results.run_folder import RunFolder
from ctcbench.training.runtime import Runtime
from tests.tiny_config import tiny


def test_log_probs_are_normalised_and_of_the_right_images(finished):
    log_probs = RunFolder(finished.folder).read_log_probs("test")
    assert log_probs.values_NTK.shape == (12, 7, 11)
    assert np.allclose(np.exp(log_probs.values_NTK).sum(-1), 1, atol=1e-5)
    assert log_probs.fingerprint == finished.provenance["data"]["fingerprint"]


def test_more_test_images_are_read_without_training(registry, tmp_path, monkeypatch):
    runner.run(resolve(registry, tiny()), Runtime(tmp_path))
    monkeypatch.setattr(runner, "train", lambda *_: pytest.fail("trained again"))
    more = runner.run(resolve(registry, tiny(test_samples=20)), Runtime(tmp_path))
    assert more.score.images == 20
