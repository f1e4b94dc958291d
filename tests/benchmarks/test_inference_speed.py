"""`ctcbench bench onnx`: what it measures is there; how fast it is, no test asserts."""

import json

import pytest
import torch

from ctcbench.__main__ import main
from ctcbench.recognition import onnx_packages
from tests.tiny_config import TINY

pytest.importorskip("onnxruntime", reason="the package onnxruntime is not installed")
FLAGS = [
    word
    for name in ("dataset", "backbone", "head")
    for word in (f"--{name}", TINY[name])
]  # fmt: skip


@pytest.mark.landing
@pytest.mark.skipif(not hasattr(torch.onnx, "ops"), reason="exporting needs torch 2.8")
def test_torch_and_onnxruntime_are_timed_in_turn(capsys):
    pytest.importorskip("onnxscript", reason="the package onnxscript is not installed")
    assert main(["bench", "onnx", *FLAGS, "--images", "3", "--rounds", "4", "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert (figures["images"], figures["rounds"], figures["head"]) == (3, 4, TINY["head"])
    assert {"torch float32", "onnxruntime float32", "onnxruntime int8"} <= set(figures["ways"])
    for measured in figures["ways"].values():
        assert measured["images_per_second"] > 0 and measured["batch_ms"]["median"] > 0
    assert figures["ways"]["torch float32"]["times_torch_float32"]["median"] == 1
    assert main(["bench", "onnx", *FLAGS, "--images", "3", "--rounds", "3"]) == 0
    assert "onnxruntime int8" in capsys.readouterr().out


def test_mistakes_are_usage_errors(capsys, monkeypatch):
    assert main(["bench", "onnx", *FLAGS, "--rounds", "2"]) == 2
    assert "--rounds" in capsys.readouterr().err
    monkeypatch.setattr(onnx_packages, "find_spec", lambda name: None)
    assert main(["bench", "onnx", *FLAGS]) == 2
    assert "`pip install 'ctcbench[onnx]'`" in capsys.readouterr().err
