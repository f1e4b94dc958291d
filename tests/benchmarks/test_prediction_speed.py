"""`ctcbench bench predict`: what it measures is there; how fast it is, no test asserts."""

import json

import numpy as np
import pytest
from PIL import Image

from ctcbench.__main__ import main


def test_the_test_images_of_a_run_are_read_as_png_files(finished, capsys):
    assert main(["bench", "predict", str(finished.folder), "--pictures", "5", "--rounds", "2", "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["pictures"] == 5 and figures["rounds"] == 2
    for name in ("images_per_second", "network_images_per_second", "share_of_network", "cpu_ms"):
        assert figures[name]["median"] > 0


def test_named_images_are_read_and_one_that_cannot_be_read_is_an_error(finished, tmp_path, capsys):
    for name in ("1.png", "2.png", "3.png"):
        Image.fromarray(np.full((24, 60), 200, np.uint8)).save(tmp_path / name)
    arguments = ["bench", "predict", str(finished.folder), str(tmp_path), "--rounds", "2"]
    assert main([*arguments, "--pictures", "2"]) == 0
    assert "2 images, 2 rounds" in capsys.readouterr().out
    (tmp_path / "1.png").write_text("text")
    assert main(arguments) == 1
    assert "1.png: not a picture" in capsys.readouterr().err


@pytest.mark.parametrize("run", ["missing", "model.onnx"])
def test_a_wrong_argument_is_a_usage_error(run, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model.onnx").write_bytes(b"")
    assert main(["bench", "predict", run]) == 2
    assert run in capsys.readouterr().err
