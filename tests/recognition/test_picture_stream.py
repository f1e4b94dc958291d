"""Groups of pictures: their order, errors in their places, and the threads of torch."""

import numpy as np
import pytest
import torch

import ctcbench
from ctcbench.recognition import picture_stream


@pytest.fixture
def several_threads(monkeypatch):
    monkeypatch.setattr(picture_stream, "computing_cores", lambda: 3)
    monkeypatch.setattr(picture_stream, "_GROUP_PICTURES", 4)


def pictures(count):
    generator = np.random.default_rng(0)
    return [generator.integers(0, 256, (24, 60), np.uint8) for _ in range(count)]


def test_the_number_of_threads_does_not_change_a_prediction(finished, several_threads, monkeypatch):
    recogniser = ctcbench.load(finished.folder, device="cpu")
    mixed = [*pictures(21), b"no picture", *pictures(8), b""]
    outcomes = list(recogniser.predict_each(mixed))
    monkeypatch.setattr(picture_stream, "computing_cores", lambda: 1)
    again = list(recogniser.predict_each(mixed))
    assert [str(a) for a in outcomes] == [str(b) for b in again]
    assert isinstance(outcomes[21], ctcbench.BadSample) and str(outcomes[-1]) == "empty file"
    assert outcomes[0].text == outcomes[22].text


def test_log_probs_are_in_order_and_name_the_first_bad_picture(finished, several_threads):
    recogniser = ctcbench.load(finished.folder, device="cpu")
    some = pictures(13)
    read = recogniser.log_probs(some)
    alone = recogniser.log_probs(some[9:10])
    assert np.allclose(read.values_NTK[9], alone.values_NTK[0], atol=1e-2)
    with pytest.raises(ctcbench.BadSample, match="picture 7: empty file"):
        recogniser.log_probs([*some[:7], b"", *some, b"text"])


def test_torch_has_its_threads_again_afterwards(finished, several_threads):
    before = torch.get_num_threads()
    recogniser = ctcbench.load(finished.folder, device="cpu")
    stream = recogniser.predict_each(pictures(40))
    next(stream)
    assert torch.get_num_threads() == before
    stream.close()
    assert torch.get_num_threads() == before
