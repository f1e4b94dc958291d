"""`ctcbench bench train` on a CPU: what it measures is consistent; how fast it is, no test asserts."""

import json

import pytest

from ctcbench.__main__ import main
from ctcbench.config.recipe import resolve
from ctcbench.training.recognizer.spec_sheet import spec_sheet
from tests.tiny_config import TINY, tiny

FLAGS = [word for name in ("dataset", "backbone", "head") for word in (f"--{name}", TINY[name])]
FLAGS += ["--train-samples", "40", "--no-amp"]


def test_the_figures_of_a_step_are_consistent(capsys):
    assert main(["bench", "train", *FLAGS, "--batch-size", "16", "--steps", "3", "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert (figures["batch_size"], figures["steps"], figures["head"]) == (16, 3, TINY["head"])
    assert (figures["device"], figures["precision"]) == ("cpu", "float32")
    step = figures["step_ms"]
    assert step["quartiles"][0] <= step["median"] <= step["quartiles"][1] <= step["longest"]
    assert figures["images_per_second"] == pytest.approx(16 * 1000 / step["median"], rel=0.01)
    parts = figures["parts_ms"]
    assert {"data", "forward", "loss", "backward", "optimiser", "other"} <= set(parts)
    assert all(part["median"] <= step["longest"] for part in parts.values())
    assert 0 <= figures["own_overhead"] < 1
    assert figures["times_floor"] == pytest.approx(
        step["median"] / max(figures["floor_ms"].values()), rel=0.05
    )
    assert figures["parameters"] > 0 and figures["step_gflops"] > 0 and figures["operators"] > 0
    assert "on_gpu" not in figures


def test_of_different_widths_the_arithmetic_is_that_of_the_median(capsys, registry):
    dataset = "captcha:width=120,height=24,length=1-4,variable=true,alphabet=digits"
    flags = ["--dataset", dataset, "--batch-size", "8", "--steps", "25", "--train-samples", "200", "--json"]
    assert main(["bench", "train", *FLAGS, *flags]) == 0
    measured = json.loads(capsys.readouterr().out)["step_gflops"]
    recipe = resolve(registry, tiny(dataset=dataset))
    by_width = {width: 3 * 8 * spec_sheet(recipe, width).flops / 1e9 for width in range(8, 129)}
    assert any(gflops == pytest.approx(measured, abs=0.001) for gflops in by_width.values())
    # A quarter of the texts has four characters.
    assert measured < 0.9 * by_width[120]


def test_the_table_names_the_step_and_its_floor(capsys):
    # Of fewer images than a batch has, the batch is all.
    assert main(["bench", "train", *FLAGS, "--batch-size", "48", "--steps", "3"]) == 0
    out = capsys.readouterr().out
    assert "3 steps of 40 images" in out
    assert "backward" in out and "floor of a step on this machine" in out


def test_mistakes_are_usage_errors(capsys):
    assert main(["bench", "train", *FLAGS, "--steps", "2"]) == 2
    error = capsys.readouterr().err
    # The second is the sentence of typer before it validated with pydantic.
    assert "--steps 2: must be at least 3" in error or "'--steps': 2 is not in the range x>=3" in error
