import numpy as np
import pytest

from ctcbench.decoding.softmax import log_softmax


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rows_are_normalised_logarithms(dtype):
    logits = np.random.default_rng(0).normal(0, 5, (3, 4, 6)).astype(dtype)
    found = log_softmax(logits)
    assert found.dtype == np.float64
    expected = np.log(np.exp(logits.astype(float)) / np.exp(logits.astype(float)).sum(-1, keepdims=True))
    assert found == pytest.approx(expected, abs=1e-12)


def test_large_logits_do_not_overflow():
    assert log_softmax(np.array([1000.0, 1000.0])) == pytest.approx([-np.log(2)] * 2)
    assert log_softmax(np.array([0.0, -np.inf])).tolist() == [0.0, -np.inf]


@pytest.mark.filterwarnings("error")
def test_invalid_rows_become_nan_without_a_warning():
    assert np.isnan(log_softmax(np.array([[np.nan, 0.0], [-np.inf, -np.inf], [np.inf, 0.0]])))[:2].all()
