"""measure_decoding(): a decoder gets log-probabilities as of the run; its time for an image is returned."""

import numpy as np
import pytest
import torch

from ctcbench.config.recipe import resolve
from ctcbench.data.run_dataset import build_run_dataset
from ctcbench.decoding import Hypothesis
from ctcbench.pipeline import built_decoder, decoding_time
from ctcbench.training.recognizer.network import build_recognizer
from tests.tiny_config import tiny


class TimedDecoder:
    """Takes `seconds` for an image by a clock of its own, and keeps what it was given."""

    def __init__(self, monkeypatch, seconds):
        self.now, self.seconds, self.given = 0.0, seconds, []
        monkeypatch.setattr(built_decoder.time, "perf_counter", lambda: self.now)
        built = built_decoder.BuiltDecoder("decoder 'timed'", self)
        monkeypatch.setattr(decoding_time, "build_decoder", lambda registry, decoder, alphabet: built)

    def __call__(self, log_probs):
        self.given.append(log_probs)
        self.now += self.seconds * len(log_probs)
        return [Hypothesis((), 0.0, ())] * len(log_probs)


def measured(registry):
    recipe = resolve(registry, tiny())
    dataset = build_run_dataset(registry, recipe.config)
    return recipe, dataset.source, decoding_time.measure_decoding(recipe, dataset)


def test_the_time_of_an_image_is_measured_on_few_images_if_it_is_long(registry, monkeypatch):
    for seconds, images in ((2.0, [4]), (0.001, [4, 60])):
        decoder = TimedDecoder(monkeypatch, seconds)
        assert measured(registry)[2] == pytest.approx(seconds)
        assert [len(log_probs) for log_probs in decoder.given] == images


def test_the_log_probabilities_have_the_frames_and_classes_of_the_run(registry, monkeypatch):
    decoder = TimedDecoder(monkeypatch, 0.001)
    state = torch.get_rng_state()
    recipe, source, _ = measured(registry)
    assert torch.equal(torch.get_rng_state(), state)
    frames = build_recognizer(recipe, source.image, source.alphabet).output.frames
    for log_probs in decoder.given:
        assert log_probs.values_NTK.shape == (len(log_probs), frames, source.alphabet.num_classes)
        assert np.exp(log_probs.values_NTK).sum(2) == pytest.approx(1, abs=1e-4)
        assert np.exp(log_probs.values_NTK).max(2).mean() > 0.8  # eleven classes
