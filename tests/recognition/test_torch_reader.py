import numpy as np
import pytest

import ctcbench
from ctcbench.contract.errors import CtcbenchError
from ctcbench.recognition.torch_reader import load_torch_reader
from ctcbench.results.run_folder import RunFolder


def test_reads_the_log_probabilities_of_uint8_images(finished, registry):
    reader = load_torch_reader(registry, RunFolder(finished.folder), "cpu")
    images_NCHW = np.full((3, 1, 24, 60), 255, np.uint8)
    values_NTK, lengths_N = reader.read(images_NCHW, np.array([60, 30, 1]))
    assert values_NTK.dtype == np.float32 and values_NTK.shape == (3, values_NTK.shape[1], 11)
    assert np.allclose(np.exp(values_NTK).sum(-1), 1, atol=1e-4)
    assert lengths_N.tolist()[0] == values_NTK.shape[1] and lengths_N.tolist()[2] == 1
    assert (reader.image.width, reader.alphabet.characters, reader.alignment) == (60, "0123456789", "ctc")
    assert reader.has_positions


def test_the_precision_is_one_that_the_device_supports(finished_copy, registry, monkeypatch):
    # The run forced bfloat16; this device is faster without.
    folder = RunFolder(finished_copy.folder)
    settings = folder.read_config() | {"amp": True, "amp_dtype": "bfloat16"}
    (folder.path / "manifest.json").unlink()
    folder.write_config(settings)
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", "AVX2")
    assert load_torch_reader(registry, RunFolder(folder.path), "cpu").compute.amp_dtype is None


def test_weights_that_compute_nan_are_an_error_of_the_run(finished):
    recogniser = ctcbench.load(finished.folder, device="cpu")
    for parameter in recogniser.reader.model.parameters():
        parameter.requires_grad_(False).fill_(float("nan"))
    with pytest.raises(
        CtcbenchError, match=r"^the network computes NaN: the weights of the run are unusable"
    ):
        recogniser.predict([np.full((24, 60), 255, np.uint8)])


def test_no_pictures_have_no_log_probabilities(finished):
    recogniser = ctcbench.load(finished.folder, device="cpu")
    read = recogniser.log_probs([])
    assert read.values_NTK.shape[0] == len(read.lengths_N) == len(read) == 0
    assert read.values_NTK.shape[2] == 11
