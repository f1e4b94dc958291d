"""A component that violates the contract in a run is an error with its owner and the violation."""

import dataclasses
import math
import types

import numpy as np
import pytest
import torch
from torch import nn

from ctcbench import Alphabet, Hypothesis, ImageSpec, Sample
from ctcbench.config.recipe import resolve
from ctcbench.contract.components import Component
from ctcbench.contract.errors import PluginError
from ctcbench.pipeline import runner
from ctcbench.registry.component_checks import require_executor
from ctcbench.registry.component_registry import Registry
from ctcbench.registry.plugin import Plugin
from ctcbench.training.runtime import Runtime
from tests.tiny_config import tiny


@pytest.fixture
def error_of(registry, tmp_path):
    """Return ``error_of(kind, built, **settings)``: the error of a run whose builder returns `built`."""

    def run(kind, built, **settings):
        def odd(*context):
            """A component that violates the contract."""
            return built

        plugin = Plugin("extra", "ctcbench-extra", "1.0", "extra", components=(Component(kind, odd),))
        config = tiny(**{"train_samples": 20, "epochs": 1, kind: "odd", **settings})
        with pytest.raises(PluginError) as failed:
            runner.run(resolve(Registry((*registry.plugins, plugin)), config), Runtime(tmp_path))
        return str(failed.value)

    return run


def returning_labels(*labels):
    return lambda read: [Hypothesis(labels, -1.0, tuple(range(len(labels))))] * len(read)


@pytest.mark.parametrize(
    ("search", "violation"),
    [
        (
            returning_labels(0, 1),
            "label 0 for image 0; labels are whole numbers from 1 to 10, without blanks",
        ),
        (returning_labels(-1), "label -1 for image 0"),
        (returning_labels(11), "label 11 for image 0"),
        (returning_labels(1.0), "label 1.0 for image 0"),
        (lambda read: ["12"] * len(read), "for image 0 it returned str, not a ctcbench.Hypothesis"),
        (lambda read: returning_labels(1)(read)[1:], "11 hypotheses for 12 images"),
        (lambda read: None, "failed: TypeError"),
        (lambda read: 1 / 0, "failed: ZeroDivisionError('division by zero')"),
    ],
)
def test_hypotheses_of_decoders(error_of, search, violation):
    message = error_of("decoder", search)
    assert message.startswith("ctcbench-extra (extra): decoder 'odd'")
    assert violation in message


@pytest.mark.parametrize(
    ("objective", "violation"),
    [
        (lambda y, *rest: y.sum((0, 2)), "returned float32 of shape (2,)"),
        (lambda y, *rest: y.sum().item(), "it must return a finite scalar tensor that has a gradient"),
        (lambda y, *rest: y.sum().detach(), "returned a tensor without a gradient"),
        (lambda y, *rest: y.sum() * math.nan, "returned nan"),
        (lambda y: y.sum(), "failed: TypeError"),
        (None, "its builder returned NoneType, not a function"),
    ],
)
def test_losses(error_of, objective, violation):
    message = error_of("loss", objective)
    assert message.startswith("ctcbench-extra (extra): loss 'odd'")
    assert violation in message


class Backbone(nn.Module):
    def __init__(self, change):
        super().__init__()
        self.layer, self.change = nn.Conv2d(1, 2, 3, padding=1), change

    def forward(self, images):
        return self.change(self.layer(images))


class Head(nn.Module):
    def __init__(self, change):
        super().__init__()
        self.change = change

    def forward(self, feats):
        return self.change(feats)


def raising(error):
    def change(value):
        raise error

    return change


@pytest.mark.parametrize("kind", ["backbone", "head"])
@pytest.mark.parametrize(
    ("change", "violation"),
    [
        (torch.Tensor.double, "of torch.float64, not torch.float32"),
        (raising(AttributeError("no such thing")), "AttributeError('no such thing')"),
        (raising(AssertionError("Torch not compiled with CUDA enabled")), "AssertionError('Torch not"),
        (lambda feats: None, "got NoneType"),
    ],
)
def test_modules(error_of, kind, change, violation):
    message = error_of(kind, (Backbone if kind == "backbone" else Head)(change), shortcut="none")
    assert message.startswith(f"ctcbench-extra (extra): {kind} 'odd': ")
    assert violation in message


@pytest.mark.parametrize(
    ("augment", "violation"),
    [
        (lambda images, widths: images[..., 1:], "it returned torch.uint8 (16, 1, 24, 59) on cpu"),
        (lambda images, widths: images.double(), "it returned torch.float64"),
        (lambda images, widths: None, "it returned NoneType"),
        (lambda images, widths: images.numpy(), "it returned ndarray"),
    ],
)
def test_augmentations(error_of, augment, violation):
    message = error_of("augmentation", augment)
    assert message.startswith("ctcbench-extra (extra): augmentation 'odd': for (16, 1, 24, 60) on cpu")
    assert violation in message


@dataclasses.dataclass(frozen=True)
class BlackImages:
    """Black images with the text 1."""

    image: object = ImageSpec(24, 60)
    alphabet: object = Alphabet("01")
    fit: object = "pad"
    size_: object = 40
    fingerprint_: object = "f"
    text: object = "1"
    text_of: object = print

    def size(self, split):
        return self.size_

    def fingerprint(self, split):
        return self.fingerprint_

    def describe(self, split, index):
        return f"image {index}"

    def draw(self, split, index):
        return Sample(np.zeros((24, 60), np.uint8), self.text)


@pytest.mark.parametrize(
    ("fault", "violation"),
    [
        ({"image": (24, 60)}, "its image is (24, 60), not an ImageSpec"),
        ({"image": ImageSpec(24, 60, 2)}, "images have 1 or 3 channels"),
        ({"alphabet": "01"}, "its alphabet is '01', not an Alphabet"),
        ({"fit": "crop"}, "its fit is 'crop'; it must be one of stretch, pad"),
        ({"fit": "keep"}, "its fit is 'keep', but its image has variable=False"),
        ({"image": ImageSpec(24, 60, variable=True)}, "its fit is 'pad', but its image has variable=True"),
        ({"text_of": "1"}, "its text_of is '1', not a method"),
        ({"size_": "many"}, "the size of 'train' is 'many', not a whole number or None"),
        ({"size_": -3}, "the size of 'train' is -3"),
        ({"fingerprint_": None}, "the fingerprint of 'train' is None, not a text"),
        ({"text": None}, "the text of image 0 is None, not a str"),
    ],
)
def test_data_sets(error_of, fault, violation):
    message = error_of("dataset", BlackImages(**fault))
    assert message.startswith("ctcbench-extra (extra): dataset ")
    assert violation in message


def test_a_data_set_without_methods(error_of):
    class WithoutMethods:
        image, alphabet = ImageSpec(24, 60), Alphabet("01")

    assert "dataset 'odd': it lacks the method size" in error_of("dataset", WithoutMethods())


@pytest.mark.parametrize("methods", [(), ("describe",), ("run",)], ids=str)
def test_an_executor_needs_both_methods(methods):
    built = types.SimpleNamespace(**dict.fromkeys(methods, print))
    missing = next(name for name in ("describe", "run") if name not in methods)
    with pytest.raises(PluginError, match=f"^executor odd: .* has no method {missing} "):
        require_executor("executor odd", built)
