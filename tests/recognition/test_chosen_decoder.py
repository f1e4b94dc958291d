"""The decoder stored with a model: errors that name the model."""

from __future__ import annotations

import numpy as np
import pytest

import ctcbench
from ctcbench.contract.errors import UsageError
from tests.recognition.onnx_cases import DOCUMENT, small_model, write_model

PICTURES = [np.full((24, 60), 255, np.uint8)]


@pytest.mark.parametrize(
    ("decoder", "reason"),
    [
        ("nosuch", "decoder 'nosuch'"),
        ("beam_cpp:width=0", "width=0"),
        ("beam_cpp:width=10001", "width=10001"),
        ("beam_cpp:lexicon=/etc/passwd", "not opened"),
        ("slots", "this recogniser"),
        ("beam_cpp:pattern='[0-9'", "pattern"),
    ],
)
def test_errors_of_a_stored_decoder_name_the_model_and_the_flag(tmp_path, decoder, reason):
    path = write_model(tmp_path / "m.onnx", small_model({**DOCUMENT, "decoder": decoder}))
    recogniser = ctcbench.load(path)
    with pytest.raises(UsageError) as error:
        recogniser.predict(PICTURES)
    assert str(error.value).startswith(f"{path}: its decoder can't be used (--decoder NAME chooses another")
    assert reason in str(error.value) and "\n" not in str(error.value)
    assert len(recogniser.predict(PICTURES, decoder="greedy")) == 1
    # The decoder that the user gives is not that of the model.
    with pytest.raises(UsageError) as given:
        recogniser.predict(PICTURES, decoder="beam_cpp:width=0")
    assert "m.onnx" not in str(given.value)
