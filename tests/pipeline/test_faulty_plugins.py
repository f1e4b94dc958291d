"""Components of a plugin that break their contract: the error names the owner and the fault."""

import dataclasses
import math

import numpy as np
import pytest
import torch
from torch import nn

from ctcbench import Alphabet, Hypothesis, ImageSpec, Sample
from ctcbench.config.recipe import resolve
from ctcbench.contract.components import Component
from ctcbench.contract.errors import PluginError, UsageError
from ctcbench.pipeline import runner
from ctcbench.registry.component_registry import Registry
from ctcbench.registry.plugin import Plugin
from ctcbench.results.run_folder import RunFolder
from ctcbench.training.recognizer.weights import load_recognizer
from ctcbench.training.runtime import Runtime
from tests.tiny_config import tiny


@pytest.fixture
def try_out(registry, tmp_path):
    """Run with one part of a guest, a builder of it, and return what goes wrong."""

    def one(kind, built, **settings):
        def odd(*context):
            """A part that is at fault."""
            return built

        plugin = Plugin("guest", "ctcbench-guest", "1.0", "guest", components=(Component(kind, odd),))
        config = tiny(**{"train_samples": 20, "epochs": 1, kind: "odd", **settings})
        with pytest.raises(PluginError) as failed:
            runner.run(resolve(Registry((*registry.plugins, plugin)), config), Runtime(tmp_path))
        return str(failed.value)

    return one


def of_labels(*labels):
    return lambda read: [Hypothesis(labels, -1.0, tuple(range(len(labels))))] * len(read)


@pytest.mark.parametrize(
    ("search", "says"),
    [
        (of_labels(0, 1), "label 0 for image 0; labels are whole numbers from 1 to 10, without blanks"),
        (of_labels(-1), "label -1 for image 0"),
        (of_labels(11), "label 11 for image 0"),
        (of_labels(1.0), "label 1.0 for image 0"),
        (lambda read: ["12"] * len(read), "for image 0 it returned str, not a ctcbench.Hypothesis"),
        (lambda read: of_labels(1)(read)[1:], "11 hypotheses for 12 images"),
        (lambda read: None, "failed: TypeError"),
        (lambda read: 1 / 0, "failed: ZeroDivisionError('division by zero')"),
    ],
)
def test_decoders(try_out, search, says):
    message = try_out("decoder", search)
    assert message.startswith("ctcbench-guest (guest): decoder 'odd'")
    assert says in message


@pytest.mark.parametrize(
    ("objective", "says"),
    [
        (lambda y, *rest: y.sum((0, 2)), "returned float32 of shape (2,)"),
        (lambda y, *rest: y.sum().item(), "it must return a finite scalar tensor that has a gradient"),
        (lambda y, *rest: y.sum().detach(), "returned a tensor without a gradient"),
        (lambda y, *rest: y.sum() * math.nan, "returned nan"),
        (lambda y: y.sum(), "failed: TypeError"),
        (None, "failed: TypeError"),
    ],
)
def test_losses(try_out, objective, says):
    message = try_out("loss", objective)
    assert message.startswith("ctcbench-guest (guest): loss 'odd'")
    assert says in message


class Part(nn.Module):
    def __init__(self, change):
        super().__init__()
        self.layer, self.change = nn.Conv2d(1, 2, 3, padding=1), change

    def forward(self, images):
        return self.change(self.layer(images))


class Frames(nn.Module):
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
    ("change", "says"),
    [
        (torch.Tensor.double, "of torch.float64, not torch.float32"),
        (raising(AttributeError("no such thing")), "AttributeError('no such thing')"),
        (raising(AssertionError("Torch not compiled with CUDA enabled")), "AssertionError('Torch not"),
        (lambda feats: None, "got NoneType"),
    ],
)
def test_modules(try_out, kind, change, says):
    message = try_out(kind, (Part if kind == "backbone" else Frames)(change), shortcut="none")
    assert message.startswith(f"ctcbench-guest (guest): {kind} 'odd': ")
    assert says in message


@pytest.mark.parametrize(
    ("augment", "says"),
    [
        (lambda images, widths: images[..., 1:], "it returned torch.uint8 (16, 1, 24, 59) on cpu"),
        (lambda images, widths: images.double(), "it returned torch.float64"),
        (lambda images, widths: None, "it returned NoneType"),
        (lambda images, widths: images.numpy(), "it returned ndarray"),
    ],
)
def test_augmentations(try_out, augment, says):
    message = try_out("augmentation", augment)
    assert message.startswith("ctcbench-guest (guest): augmentation 'odd': for (16, 1, 24, 60) on cpu")
    assert says in message


@dataclasses.dataclass(frozen=True)
class Dark:
    """Black pictures of the text 1."""

    image: object = ImageSpec(24, 60)
    alphabet: object = Alphabet("01")
    fit: object = "pad"
    size_: object = 40
    fingerprint_: object = "f"
    text: object = "1"

    def size(self, split):
        return self.size_

    def fingerprint(self, split):
        return self.fingerprint_

    def describe(self, split, index):
        return f"dark {index}"

    def draw(self, split, index):
        return Sample(np.zeros((24, 60), np.uint8), self.text)


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ({"image": (24, 60)}, "its image is (24, 60), not an ImageSpec"),
        ({"image": ImageSpec(24, 60, 2)}, "pictures have 1 channel or 3"),
        ({"alphabet": "01"}, "its alphabet is '01', not an Alphabet"),
        ({"fit": "crop"}, "its fit is 'crop'; it must be one of stretch, pad"),
        ({"size_": "many"}, "the size of 'train' is 'many', not a whole number or None"),
        ({"size_": -3}, "the size of 'train' is -3"),
        ({"fingerprint_": None}, "the fingerprint of 'train' is None, not a text"),
        ({"text": None}, "the text of dark 0 is None, not a str"),
    ],
)
def test_data_sets(try_out, fault, says):
    message = try_out("dataset", Dark(**fault))
    assert message.startswith("ctcbench-guest (guest): dataset ")
    assert says in message


def test_a_data_set_without_methods_is_refused(try_out):
    class Bare:
        image, alphabet = ImageSpec(24, 60), Alphabet("01")

    assert "dataset 'odd': it lacks the method size" in try_out("dataset", Bare())


def test_builders(registry):
    def leaving(image):
        """A builder that wants to end the program."""
        raise SystemExit(3)

    def refusing(image):
        """A builder that refuses its image."""
        raise UsageError("a need is odd")

    parts = (Component("backbone", leaving), Component("backbone", refusing))
    guests = Registry(
        (*registry.plugins, Plugin("guest", "ctcbench-guest", "1.0", "guest", components=parts))
    )
    with pytest.raises(
        PluginError, match=r"\(guest\): backbone 'leaving' could not be built: SystemExit\(3\)"
    ):
        guests.build("backbone", "leaving", ImageSpec(24, 60))
    with pytest.raises(UsageError, match=r"^backbone refusing: a need is odd$"):
        guests.build("backbone", "refusing", ImageSpec(24, 60))


def test_loading_a_run_names_its_missing_plugin(registry, tmp_path):
    def through(sequence):
        """A head that does nothing."""
        return nn.Identity()

    guest = Plugin("guest", "ctcbench-guest", "1.2", "guest", components=(Component("head", through),))
    config = tiny(head="through", train_samples=20, epochs=1)
    result = runner.run(resolve(Registry((*registry.plugins, guest)), config), Runtime(tmp_path))
    with pytest.raises(UsageError, match=r"^no head 'through'.*; the run was made with ctcbench-guest 1\.2$"):
        load_recognizer(registry, RunFolder(result.folder))
