"""The components that ship keep the contract that plugin authors are held to."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ctcbench import ImageSpec
from ctcbench.builtin.backbones import cnn2, cnn3
from ctcbench.builtin.captcha import captcha
from ctcbench.builtin.decoders import beam, beam_cpp, greedy
from ctcbench.builtin.executors import local
from ctcbench.builtin.folder import folder
from ctcbench.builtin.heads import HEADS
from ctcbench.builtin.losses import ctc
from ctcbench.testing import (
    check_backbone,
    check_component,
    check_dataset,
    check_decoder,
    check_head,
    check_loss,
    conformance_tests,
)
from ctcbench.testing.checks import Case, rules_for

test_cnn3 = conformance_tests(cnn3, width=8)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"norm": "group", "activation": "gelu", "dropout": 0.2},
        {"norm": "none", "activation": "leaky"},
        {"activation": "silu"},
    ],
    ids=str,
)
def test_cnn2(options):
    check_backbone(cnn2, ImageSpec(16, 32, channels=3), width=4, **options)


@pytest.mark.parametrize("component", HEADS, ids=lambda component: component.name)
def test_heads(component):
    check_head(component, **({} if component.name == "none" else {"width": 6, "dropout": 0.1}))


@pytest.mark.parametrize("options", [{}, {"label_smoothing": 0.1, "entropy": 0.05}], ids=str)
def test_losses(options):
    check_loss(ctc, **options)


@pytest.mark.parametrize("component", [greedy, beam, beam_cpp], ids=lambda component: component.name)
def test_decoders(component):
    check_decoder(component)


def test_captcha():
    check_dataset(captcha, width=60, height=20, length="1-3", alphabet="digits")


def test_folder(tmp_path: Path):
    pixels = np.random.default_rng(0)
    for split in ("train", "val", "test"):
        (tmp_path / split).mkdir()
        for index in range(3):
            drawn = pixels.integers(0, 256, (12, 30), dtype=np.uint8)
            Image.fromarray(drawn).save(tmp_path / split / f"{split[:2]}{index}.png")
    check_component(folder, path=str(tmp_path))


def test_local():
    check_component(local, workers=1)


def test_every_builtin_component_is_checked_here():
    from ctcbench import builtin

    tried = {cnn2, cnn3, captcha, folder, greedy, beam, beam_cpp, ctc, local, *HEADS}
    assert set(map(id, builtin.ctcbench_components())) == set(map(id, tried))


def test_every_rule_says_what_it_demands():
    kinds = ("backbone", "head", "loss", "decoder", "dataset", "executor")
    assert all(rule.__doc__ for kind in kinds for rule in rules_for(kind))
    assert Case(cnn2, {"width": 8}).name == "backbone cnn2:width=8"
