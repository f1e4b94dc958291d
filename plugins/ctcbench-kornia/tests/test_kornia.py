"""Transforms of kornia as an augmentation: results, errors, the conformance kit, a training."""

import os
from importlib.metadata import EntryPoint, entry_points

import ctcbench_kornia as plugin
import pytest
import torch

from ctcbench import ImageSpec, RunConfig, UsageError
from ctcbench.config.recipe import resolve
from ctcbench.pipeline import runner
from ctcbench.registry.component_registry import Registry
from ctcbench.registry.discovery import load_registry
from ctcbench.registry.plugin import ENTRY_POINT_GROUP, Plugin
from ctcbench.testing import check_augmentation
from ctcbench.training.runtime import Runtime

IMAGE = ImageSpec(32, 96)
MANY = "RandomPerspective(0.2, p=1.0), RandomGaussianNoise(0.0, 0.02, p=0.5), RandomMedianBlur((3, 3), p=0.3)"


def installed():
    """Return the built-in components and this plugin, whether or not it is installed."""
    if "kornia" in entry_points(group=ENTRY_POINT_GROUP).names:
        return load_registry(["kornia"])
    found = Plugin("kornia", "ctcbench-kornia", "0.1", plugin.__name__)
    found.load(EntryPoint("kornia", plugin.__name__, ENTRY_POINT_GROUP))
    return Registry((*load_registry([]).plugins, found))


def made(transforms, images_NCHW, image=IMAGE, widths=None):
    torch.manual_seed(0)
    widths_N = torch.tensor(widths or [images_NCHW.shape[3]] * len(images_NCHW))
    return plugin.kornia(image, transforms=transforms)(images_NCHW, widths_N)


def paper(value=255, channels=1):
    return torch.full((2, channels, IMAGE.height, IMAGE.width), value, dtype=torch.uint8)


def test_it_keeps_the_rules_of_augmentations():
    check_augmentation(plugin.kornia, IMAGE, transforms=MANY)


def test_transforms_are_applied_in_order():
    darker = made("RandomBrightness((0.5, 0.5), p=1.0), RandomInvert(p=1.0)", paper(200))
    assert torch.allclose(darker, torch.tensor(255 - 200 + 127.5), atol=1.0)


def test_geometric_transforms_fill_with_paper():
    turned = made("RandomRotation(30.0, p=1.0)", paper())
    assert (turned == 255).all()


def test_padding_stays_white():
    image = ImageSpec(32, 96, variable=True)
    inverted = made("RandomInvert(p=1.0)", paper(), image, widths=[40, 96])
    assert (inverted[0, :, :, :40] == 0).all() and (inverted[0, :, :, 40:] == 255).all()
    assert (inverted[1] == 0).all()


@pytest.mark.parametrize(
    ("transforms", "words"),
    [
        ("RandomPerspective(", "expected calls as in Python"),
        ("()", "at least one call"),
        ("__import__('os').system('true')", "expected a call of a transform"),
        ("RandomPerspective(open('x'))", "arguments are numbers, texts"),
        ("RandomPerspective(**{'p': 1.0})", "expected a call of a transform"),
        ("RandomPerspectives(0.2)", "no transform 'RandomPerspectives' that keeps the size (there are: "),
        ("RandomMixUpV2()", "no transform 'RandomMixUpV2'"),
        ("RandomCrop((8, 8))", "no transform 'RandomCrop'"),
        ("RandomPerspective(strength=2)", "RandomPerspective(strength=2): TypeError"),
        ("RandomHue((-0.1, 0.1), p=1.0)", "RandomHue failed for ImageSpec(height=32, width=96, channels=1"),
    ],
)
def test_what_cannot_be_applied_is_an_error_before_the_training(transforms, words):
    with pytest.raises(UsageError) as failed:
        plugin.kornia(IMAGE, transforms=transforms)
    assert words in str(failed.value)


def test_a_run_is_trained_with_it(tmp_path, monkeypatch):
    monkeypatch.setenv("CTCBENCH_CACHE", os.environ.get("CTCBENCH_CACHE", str(tmp_path / "cache")))
    config = RunConfig(
        dataset="captcha:width=40,height=16,length=1,alphabet=digits",
        augmentation=f'kornia:transforms="{MANY}"',
        backbone="cnn2:width=4",
        head="none",
        decoder="greedy",
        epochs=1,
        train_samples=16,
        val_samples=4,
        test_samples=4,
        batch_size=8,
    )
    result = runner.run(resolve(installed(), config), Runtime(out=tmp_path / "runs", workers=1))
    assert MANY in result.config["augmentation"]
    assert result.provenance["plugins"]["ctcbench-kornia"] == "0.1"
