"""Samples and training states that the tests of a training step share."""

import numpy as np
import torch

from ctcbench import Alphabet, ImageSpec
from ctcbench.config.recipe import Recipe
from ctcbench.contract.data import Samples
from ctcbench.contract.ragged_images import RaggedImages
from ctcbench.training import device, split
from ctcbench.training.recognizer.network import build_recognizer
from ctcbench.training.step import new_state, train_step
from tests.tiny_config import tiny

IMAGE, ALPHABET = ImageSpec(24, 60), Alphabet("0123456789")


def some_samples(count=20, texts=None, seed=0, image=IMAGE):
    generator = np.random.default_rng(seed)
    images = generator.integers(0, 256, (count, 1, image.height, image.width), dtype=np.uint8)
    texts = texts or ["".join(generator.choice(list("0123456789"), 2)) for _ in range(count)]
    names = tuple(f"image {i}" for i in range(count))
    return Samples(images, np.full(count, image.width, np.int32), tuple(texts), names, "made up")


def ragged_samples(widths, seed=0):
    """Return samples of `widths`, each of one character."""
    generator = np.random.default_rng(seed)
    images = [generator.integers(0, 256, (1, IMAGE.height, width), dtype=np.uint8) for width in widths]
    texts = tuple(str(i % 10) for i in range(len(widths)))
    names = tuple(f"image {i}" for i in range(len(widths)))
    return Samples(RaggedImages.of(images), np.array(widths, np.int32), texts, names, "made up")


def some_state(registry, samples=None, **settings):
    config = tiny(**{"amp": False, **settings})
    compute = device.choose_compute(config)
    torch.manual_seed(config.seed)
    recipe = Recipe(registry, config)
    model = build_recognizer(recipe, IMAGE, ALPHABET)
    part = split.make_split(samples or some_samples(), ALPHABET, compute.device)
    return new_state(recipe, model, compute, steps=10), part, config


def steps(registry, count, **settings):
    state, part, config = some_state(registry, **settings)
    losses = [
        train_step(state, split.batch_at(part, step, config), config).loss.item() for step in range(count)
    ]
    return losses, state


# Settings that differ in backbone, head, loss, optimiser, augmentation, averaging or blank penalty.
VARIED_SETTINGS = [
    {},
    {"optimizer": "adamw", "blank_penalty": 2.0},
    {"backbone": "cnn2:width=4", "head": "bilstm2:width=8", "shortcut": "aux"},
    {"backbone": "cnn5:width=8", "head": "none", "loss": "ctc:label_smoothing=0.5,entropy=0.1"},
    {"backbone": "cnn7:width=8,dropout=0.1", "head": "none", "ema": 0.9},
    {"backbone": "columns:stride=4", "head": "gru1:width=8"},
    {"augmentation": "distort:scale=0.1,contrast=0.1,erase=2,noise=3.0"},
    {"augmentation": "lines:chance=1.0"},
    {"head": "slots:count=2", "shortcut": "none", "loss": "slots", "decoder": "slots"},
]
