"""A configuration that does not fit stored weights is refused before anything of its size is allocated."""

from __future__ import annotations

import resource

import pytest
import torch

from ctcbench.config.recipe import resolve
from ctcbench.config.run_config import RunConfig
from ctcbench.contract.specs import Alphabet, ImageSpec
from ctcbench.training.recognizer.network import build_recognizer
from ctcbench.training.recognizer.stored_shapes import WrongShapes

IMAGE, DIGITS = ImageSpec(24, 60), Alphabet("0123456789")
SETTINGS = {"backbone": "cnn2:width=8", "head": "bilstm1:width=8"}


@pytest.fixture
def shapes(registry):
    model = build_recognizer(resolve(registry, RunConfig(**SETTINGS)), IMAGE, DIGITS)
    return {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}


def test_a_recogniser_with_the_shapes_is_built_as_without_them(registry, shapes):
    recipe = resolve(registry, RunConfig(**SETTINGS))
    states = []
    for given in (None, shapes):
        torch.manual_seed(0)
        states.append(build_recognizer(recipe, IMAGE, DIGITS, given).state_dict())
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"head": "bilstm2:width=4096"}, r"head\.\S+ has shape .* in head bilstm2"),
        ({"backbone": "cnn7:width=512"}, r"backbone\.\S+ has shape .* in backbone cnn7"),
        ({"head": "none"}, r"head\.\S+ has shape .* in the weights and none in head none"),
    ],
)
def test_other_components_are_refused_without_their_memory(registry, shapes, settings, message):
    recipe = resolve(registry, RunConfig(**SETTINGS | settings))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(WrongShapes, match=message):
        build_recognizer(recipe, IMAGE, DIGITS, shapes)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200 * 1024  # KiB; they have 2 GB


def test_another_alphabet_is_refused(registry, shapes):
    recipe = resolve(registry, RunConfig(**SETTINGS))
    many = Alphabet("".join(map(chr, range(0x4E00, 0x9FFF))))
    with pytest.raises(WrongShapes, match="the weights are for 11 classes, but the alphabet has 20,992"):
        build_recognizer(recipe, IMAGE, many, shapes)
