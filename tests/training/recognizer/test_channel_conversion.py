"""Weights for grey images in networks for colour images, and back."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from ctcbench.config.recipe import Recipe
from ctcbench.contract.specs import Alphabet, ImageSpec
from ctcbench.training.recognizer.channel_conversion import convert_channels
from ctcbench.training.recognizer.network import build_recognizer
from tests.tiny_config import tiny

BACKBONES = ["cnn2:width=4", "cnn3:width=4,norm=none", "cnn5:width=8", "cnn7:width=8,norm=group"]


def built(registry, channels, seed, **settings):
    torch.manual_seed(seed)
    recipe = Recipe(registry, tiny(head="bigru1:width=8", **settings))
    model = build_recognizer(recipe, ImageSpec(24, 60, channels), Alphabet("0123456789"))
    # Statistics of batch norms that are not 0 and 1.
    with torch.no_grad():
        model(torch.randint(0, 256, (9, channels, 24, 60)))
    return model.eval()


def converted(registry, there, here, **settings):
    """Return a network, one of another number of channels with its weights, and what was done."""
    old, new = built(registry, there, 0, **settings), built(registry, here, 1, **settings)
    tensors = dict(old.state_dict())
    said = convert_channels(tensors, new.state_dict(), there, here)
    new.load_state_dict(tensors)
    return old, new, said


def log_probs(model, images_NCHW):
    with torch.no_grad():
        return model(torch.as_tensor(images_NCHW)).logits_TNK.log_softmax(-1)


def pictures(channels, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (3, channels, 24, 60), dtype=np.uint8)


@pytest.mark.parametrize("backbone", BACKBONES)
@pytest.mark.parametrize("there", [1, 3])
def test_a_grey_picture_has_the_same_log_probs(registry, backbone, there):
    old, new, said = converted(registry, there, 4 - there, backbone=backbone)
    grey = pictures(1)
    repeated = np.repeat(grey, 3, axis=1)
    before, after = (log_probs(m, x) for m, x in zip((old, new), (grey, repeated)[:: 2 - there], strict=True))
    torch.testing.assert_close(after, before, atol=1e-4, rtol=0)
    assert said.startswith("grey images there" if there == 1 else "images in colour there")


def test_a_picture_in_colour_is_read_as_in_grey(registry):
    grey, colour, _ = converted(registry, 1, 3, backbone="cnn5:width=8")
    images = pictures(3)
    levels = [np.asarray(Image.fromarray(image.transpose(1, 2, 0)).convert("L")) for image in images]
    # Grey levels are rounded to whole numbers: 1/255 of the range between two of them.
    before, after = log_probs(grey, np.stack(levels)[:, None]), log_probs(colour, images)
    torch.testing.assert_close(after, before, atol=0.03, rtol=0)
    exact = torch.tensor([0.299, 0.587, 0.114], dtype=torch.float64).view(1, 3, 1, 1)
    unrounded = (torch.from_numpy(images).double() * exact).sum(1, keepdim=True)
    torch.testing.assert_close(after, log_probs(grey, unrounded), atol=1e-4, rtol=0)


def test_back_and_forth_gives_the_weights_again(registry):
    grey = built(registry, 1, 0, backbone="cnn3:width=4").state_dict()
    colour = built(registry, 3, 1, backbone="cnn3:width=4").state_dict()
    tensors = dict(grey)
    convert_channels(tensors, colour, 1, 3)
    convert_channels(tensors, grey, 3, 1)
    for name, tensor in grey.items():
        torch.testing.assert_close(tensors[name], tensor)


@pytest.mark.parametrize(("there", "here"), [(1, 1), (3, 3), (1, 2), (4, 3)])
def test_other_numbers_of_channels_are_left_alone(registry, there, here):
    old, new = (built(registry, n, 0, backbone="cnn3:width=4").state_dict() for n in (there, here))
    tensors = dict(old)
    assert convert_channels(tensors, new, there, here) == ""
    assert all(tensors[name] is old[name] for name in old)


def test_a_network_without_a_convolution_over_the_channels_is_left_alone(registry):
    old, new = (built(registry, n, 0, backbone="columns:stride=4").state_dict() for n in (1, 3))
    tensors = dict(old)
    assert convert_channels(tensors, new, 1, 3) == "" and tensors.keys() == old.keys()
