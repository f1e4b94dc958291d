"""`ctcbench export`: mistakes of the user, and the whole way from a run to a text."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ctcbench.recognition import onnx_packages
from tests.cli.cli_cases import Cli


def test_mistakes_are_one_line_and_write_nothing(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for package in ("onnx", "onnxruntime", "onnxscript"):
        pytest.importorskip(package, reason=f"the package {package} is not installed")
    (tmp_path / "a.png").write_bytes(b"")
    # A run that was stopped before its first validation.
    run_folder = tmp_path / "runs" / "0123456789ab"
    run_folder.mkdir(parents=True)
    (run_folder / "config.toml").write_text("", encoding="utf-8")

    def refused(*arguments: object, naming: str) -> None:
        done = cli("export", *map(str, arguments))
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1), done.stderr
        assert naming in done.stderr

    refused("none", "m.onnx", naming="none: no such folder")
    refused("a.png", "m.onnx", naming="a.png: is a file; give the run folder")
    refused(run_folder.parent, "m.onnx", naming="not a run folder (no config.toml); it contains the runs")
    refused(run_folder, "none/m.onnx", naming="none/m.onnx: no folder")
    refused(run_folder, ".", naming=".: is a folder; name a file")
    refused(run_folder, "m.onnx", naming="no trained run there")
    monkeypatch.setattr(onnx_packages, "find_spec", lambda name: None)
    refused(run_folder, "m.onnx", naming="`pip install 'ctcbench[onnx]'`")
    assert {path.name for path in tmp_path.glob("*.onnx")} == set()


@pytest.mark.landing
def test_an_exported_run_is_read_like_the_run(trained: Path, cli: Cli, tmp_path: Path) -> None:
    pytest.importorskip("onnxscript", reason="the package onnxscript is not installed")
    Image.fromarray(np.zeros((24, 64), np.uint8)).save(tmp_path / "a.png")
    done = cli("export", str(trained), "m.onnx", "--json")
    report = json.loads(done.stdout)
    assert (done.returncode, report["file"], report["opset"]) == (0, "m.onnx", 18)
    done = cli("predict", "m.onnx", "a.png", "--json")
    (ours,) = json.loads(done.stdout)
    # In float32, also on a CPU with bfloat16.
    done = cli("predict", str(trained), "a.png", "--json", "--device", "cpu", ONEDNN_MAX_CPU_ISA="AVX2")
    (theirs,) = json.loads(done.stdout)
    assert ours["text"] == theirs["text"] and ours["confidence"] == pytest.approx(
        theirs["confidence"], rel=1e-3
    )
    done = cli("predict", "m.onnx", "a.png", "--device", "cuda")
    assert done.returncode == 2 and "computed on the CPU" in done.stderr
    done = cli("predict", "none.onnx", "a.png")
    assert done.returncode == 2 and "`ctcbench export RUN none.onnx` writes one" in done.stderr
