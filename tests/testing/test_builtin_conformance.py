"""The built-in components fulfil the contract for plugins."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ctcbench import ImageSpec
from ctcbench.builtin.augmentations import AUGMENTATIONS, distort
from ctcbench.builtin.backbones import cnn2, cnn3, cnn5, cnn7, columns
from ctcbench.builtin.captcha import captcha
from ctcbench.builtin.decoders import beam, beam_cpp, greedy, slots
from ctcbench.builtin.exact_decoders import best_cpp
from ctcbench.builtin.folder import folder
from ctcbench.builtin.heads import HEADS
from ctcbench.builtin.lettering import lettering
from ctcbench.builtin.local_executor import local
from ctcbench.builtin.losses import ctc
from ctcbench.builtin.losses import slots as slots_loss
from ctcbench.builtin.optimizers import adamw, muon
from ctcbench.builtin.picture_sets.csv_set import csv
from ctcbench.builtin.picture_sets.lmdb_set import lmdb
from ctcbench.builtin.picture_sets.parquet_set import parquet
from ctcbench.builtin.risk_decoder import mbr
from ctcbench.contract.components import KINDS
from ctcbench.testing import (
    check_augmentation,
    check_backbone,
    check_component,
    check_dataset,
    check_decoder,
    check_executor,
    check_head,
    check_loss,
    check_optimizer,
    conformance_tests,
)
from ctcbench.testing.conformance import Case, rules_for
from tests.builtin.picture_sets.picture_cases import png, write_lmdb, write_parquet

test_cnn3 = conformance_tests(cnn3, width=8)
test_cnn5 = conformance_tests(cnn5, width=8)
test_cnn7 = conformance_tests(cnn7, width=8)
test_cnn7_without_norm = conformance_tests(cnn7, width=8, norm="none", dropout=0.2)
test_distort = conformance_tests(distort)


@pytest.mark.parametrize("component", AUGMENTATIONS, ids=lambda component: component.name)
@pytest.mark.parametrize("image", [ImageSpec(16, 16), ImageSpec(32, 300, 3)], ids=str)
def test_augmentations_of_other_sizes(component, image):
    check_augmentation(component, image)


@pytest.mark.parametrize(
    "options",
    [
        {"rotate": 45, "shear": 1, "scale": 0.5, "shift": 0.5, "warp": 10, "contrast": 0.9, "noise": 100},
        dict.fromkeys(("rotate", "shear", "scale", "shift", "warp", "contrast", "erase", "noise"), 0),
        {"erase": 3},
        {"noise": 20.0},
    ],
    ids=str,
)
def test_distort_at_its_bounds(options):
    check_augmentation(distort, **options)


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


@pytest.mark.parametrize(
    ("image", "stride"), [(ImageSpec(40, 150), 1), (ImageSpec(8, 33, channels=3), 4)], ids=str
)
def test_columns(image, stride):
    check_backbone(columns, image, stride=stride)


OPTIONS = {"none": {}, "slots": {"count": 7, "after": "bigru1", "width": 4, "slot_width": 3, "dropout": 0.1}}


@pytest.mark.parametrize("component", HEADS, ids=lambda component: component.name)
def test_heads(component):
    check_head(component, **OPTIONS.get(component.name, {"width": 6, "dropout": 0.1}))


def test_slots_on_the_backbone():
    check_head(next(head for head in HEADS if head.name == "slots"), count=4)


@pytest.mark.parametrize("options", [{}, {"label_smoothing": 0.1, "entropy": 0.05}], ids=str)
def test_losses(options):
    check_loss(ctc, **options)


@pytest.mark.parametrize("options", [{}, {"label_smoothing": 0.1}], ids=str)
def test_slots_loss(options):
    check_loss(slots_loss, **options)


@pytest.mark.parametrize(
    ("component", "options"),
    [(adamw, {}), (muon, {}), (muon, {"scale": 1})],
    ids=lambda value: getattr(value, "name", str(value)),
)
def test_optimizers(component, options):
    check_optimizer(component, **options)


@pytest.mark.parametrize(
    "component", [greedy, beam, beam_cpp, best_cpp, mbr, slots], ids=lambda component: component.name
)
def test_decoders(component):
    check_decoder(component)


def test_captcha():
    check_dataset(captcha, width=60, height=20, length="1-3", alphabet="digits")
    check_dataset(captcha, width=60, height=20, length="1-3", alphabet="digits", variable=True)


def test_folder(tmp_path: Path):
    pixels = np.random.default_rng(0)
    for split in ("train", "val", "test"):
        (tmp_path / split).mkdir()
        for index in range(3):
            drawn = pixels.integers(0, 256, (12, 30), dtype=np.uint8)
            Image.fromarray(drawn).save(tmp_path / split / f"{split[:2]}{index}.png")
    check_component(folder, path=str(tmp_path))


@pytest.mark.landing
def test_packed_sets_and_tables(tmp_path: Path):
    lines = "path,label,split\n"
    for first, split in ((0, "train"), (80, "val"), (160, "test")):
        rows = [(png(first + level), b"x%d" % level) for level in range(3)]
        write_lmdb(tmp_path / "lmdb" / split, rows)
        columns = {"image": [picture for picture, _ in rows], "text": [text.decode() for _, text in rows]}
        write_parquet(tmp_path / "parquet" / f"{split}.parquet", columns)
        for picture, text in rows:
            name = f"{split}{text.decode()}.png"
            (tmp_path / name).write_bytes(picture)
            lines += f"{name},{text.decode()},{split}\n"
    (tmp_path / "t.csv").write_text(lines)
    check_component(lmdb, path=str(tmp_path / "lmdb"))
    check_component(parquet, path=str(tmp_path / "parquet"))
    check_component(csv, path=str(tmp_path / "t.csv"))


@pytest.mark.landing
@pytest.mark.parametrize("options", [{"workers": 1}, {"workers": 2, "threads": 1}], ids=str)
def test_local(options):
    check_executor(local, **options)


def test_every_builtin_component_is_checked_here():
    from ctcbench import builtin

    tried = [
        cnn2,
        cnn3,
        cnn5,
        cnn7,
        columns,
        *AUGMENTATIONS,
        captcha,
        folder,
        csv,
        lmdb,
        parquet,
        lettering,
        greedy,
        beam,
        beam_cpp,
        best_cpp,
        mbr,
        slots,
        ctc,
        slots_loss,
        adamw,
        muon,
        local,
        *HEADS,
    ]
    assert set(map(id, builtin.ctcbench_components())) == set(map(id, tried))


def test_every_rule_has_a_docstring():
    assert all(rule.__doc__ for kind in KINDS for rule in rules_for(kind))
    assert Case(cnn2, {"width": 8}).name == "backbone cnn2:width=8"
