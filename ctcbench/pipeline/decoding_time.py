"""measure_decoding(): how long a recipe's decoder takes for an image, measured before a run."""

from __future__ import annotations

import numpy as np

from ctcbench.config.recipe import Recipe
from ctcbench.contract.data import LogProbs
from ctcbench.contract.specs import Alphabet
from ctcbench.data.built_dataset import BuiltDataset
from ctcbench.pipeline.built_decoder import build_decoder

_FIRST, _MORE = 4, 60  # images; more where the first took little time
_LITTLE = 0.1  # seconds
_SPREAD = 8.0  # of the logits: one class has most of the probability of a frame, as after a training


def measure_decoding(recipe: Recipe, dataset: BuiltDataset) -> float:
    """Return the seconds that the decoder takes for an image, with log-probabilities drawn at random.

    Raises:
        UsageError: the decoder refuses its options, or the image is too small for the backbone.
        PluginError: a component breaks its contract.
    """
    import torch

    from ctcbench.training.recognizer.network import build_recognizer

    source = dataset.source
    decoder = build_decoder(recipe.registry, recipe.config.decoder, source.alphabet)
    with torch.random.fork_rng(devices=[]):  # the weights do not matter
        frames = build_recognizer(recipe, source.image, source.alphabet).output.frames
    # The first images fill caches.
    _, seconds = decoder.decode(_log_probs(source.alphabet, _FIRST, frames))
    if seconds > _LITTLE:
        return seconds / _FIRST
    return decoder.decode(_log_probs(source.alphabet, _MORE, frames))[1] / _MORE


def _log_probs(alphabet: Alphabet, images: int, frames: int) -> LogProbs:
    classes = alphabet.num_classes
    logits_NTK = np.random.default_rng(0).normal(0, _SPREAD, (images, frames, classes))
    totals_NT1 = np.logaddexp.reduce(logits_NTK, axis=2, keepdims=True)
    return LogProbs(
        (logits_NTK - totals_NT1).astype(np.float32), np.full(images, frames), ("",) * images, alphabet
    )
