"""`ctcbench bench predict` on named files, and on what standard input has."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest
from PIL import Image

from ctcbench.__main__ import main

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    Image.linear_gradient("L").save(tmp_path / "a.png")
    return tmp_path / "a.png"


def give_standard_input(monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))


def test_files_that_are_named_or_listed_on_standard_input_are_measured(
    trained: Path, file: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    for images in ([str(file)] * 3, ["-"], [str(file), "-"]):
        give_standard_input(monkeypatch, f"{file}\n".encode() * 5)
        command = ["bench", "predict", str(trained), *images, "--rounds", "2", "--pictures", "3", "--json"]
        assert main(command) == 0
        assert json.loads(capsys.readouterr().out)["pictures"] == 3


def test_a_picture_on_standard_input_is_a_usage_error(
    trained: Path, file: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    for images in (["-"], [str(file), "-"]):
        give_standard_input(monkeypatch, file.read_bytes())
        assert main(["bench", "predict", str(trained), *images]) == 2
        printed = capsys.readouterr()
        assert "ctcbench bench predict: -: standard input is a picture; name its file" in printed.err
        assert not printed.out
