"""The program in docs/deploy.md reads a picture without torch."""

import re
import subprocess
import sys
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
    command = [sys.executable, "-c", program, "a.png"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (prediction,) = ctcbench.load(model).predict([tmp_path / "a.png"])
    assert done.stdout.split() == ["a.png", prediction.text] and prediction.text
