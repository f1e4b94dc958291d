"""docs/deploy.md: the packages that reading needs, and a program that reads a picture without torch."""

import os
import re
import subprocess
import sys
from importlib.metadata import requires
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import ctcbench
from tests.recognition.onnx_cases import DOCUMENT, small_model, write_model

PAGE = Path(__file__).parents[2] / "docs" / "deploy.md"


@pytest.mark.parametrize("fit", ["stretch", "pad", "keep"])
def test_the_program_reads_what_predict_reads(tmp_path, fit):
    (program,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    image = DOCUMENT["image"] | ({"variable": True} if fit == "keep" else {})
    model = write_model(tmp_path / "model.onnx", small_model(DOCUMENT | {"fit": fit, "image": image}))
    levels = np.tile(np.arange(0, 240, 8, dtype=np.uint8).repeat(3), (50, 1))
    Image.fromarray(levels).save(tmp_path / "a.png")
    program += "\nassert 'torch' not in sys.modules"
    if fit == "keep":  # wider than the images of the training
        levels = np.concatenate([levels, levels[:, ::-1]], axis=1)
        Image.fromarray(levels).save(tmp_path / "a.png")
    command = [sys.executable, "-c", program, "a.png"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (prediction,) = ctcbench.load(model).predict([tmp_path / "a.png"])
    assert done.stdout.split() == ["a.png", prediction.text] and prediction.text


READ_WITHOUT = """
import sys

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in sys.argv[1].split():
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Refuse())
from ctcbench.__main__ import main
sys.exit(main(["predict", "model.onnx", "a.png", "--csv", "--n-best", "2"]))
"""


def test_reading_needs_no_other_packages_than_the_page_lists(tmp_path):
    [listed] = re.findall(r"^\$ pip install (numpy .*)$", PAGE.read_text(encoding="utf-8"), re.M)
    required = {re.split(r"[^\w.-]", text)[0] for text in requires("ctcbench") if "extra ==" not in text}
    others = {name.replace("-", "_") for name in required - set(listed.split())}
    assert "torch" in others
    model = write_model(tmp_path / "model.onnx", small_model(DOCUMENT))
    Image.new("L", (60, 24)).save(tmp_path / "a.png")
    done = subprocess.run(
        [sys.executable, "-c", READ_WITHOUT, " ".join(others)],
        cwd=tmp_path, env={**os.environ, "CTCBENCH_PLUGINS": ""}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert model.exists() and done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[1].startswith("a.png,")
