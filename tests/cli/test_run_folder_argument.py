"""The run folder of a command line, and what was probably meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from ctcbench.cli.run_folder_argument import named_recogniser, named_run
from ctcbench.contract.errors import UsageError


@pytest.mark.parametrize("given", ["runs/6d2cf", "6d2cf364", "./runs/6d2cf364c672x", "runs/6", "none/6d2cf"])
def test_the_beginning_of_a_key_names_the_run(tmp_path, monkeypatch, given):
    monkeypatch.chdir(tmp_path)
    for key in ("6d2cf364c672", "66155803d8d5"):
        run = Path("runs", key)
        run.mkdir(parents=True)
        (run / "config.toml").touch()
    with pytest.raises(UsageError) as caught:
        named_run(Path(given))
    known = given in ("runs/6d2cf", "6d2cf364")
    remedy = "did you mean runs/6d2cf364c672?" if known else "give the run folder that `ctcbench run` printed"
    assert str(caught.value) == f"{Path(given)}: no such folder; {remedy}"


def test_a_file_of_a_run_stands_for_no_recogniser(tmp_path):
    run = tmp_path / "abc"
    run.mkdir()
    for name in ("config.toml", "weights.safetensors", "model.onnx"):
        (run / name).touch()
    with pytest.raises(UsageError) as caught:
        named_recogniser(run / "weights.safetensors")
    assert str(caught.value) == f"{run / 'weights.safetensors'}: a file of a run; give its folder, {run}"
    assert named_recogniser(run / "model.onnx") is None
