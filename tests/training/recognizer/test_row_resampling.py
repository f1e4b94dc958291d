"""Weights over the features of images of another height."""

import pytest
import torch

from ctcbench.training.recognizer.row_resampling import resample_rows

CHANNELS = 4


def features(rows, scale=1.0):
    """Return feats_F of one smooth column: each channel is a linear function of the relative height."""
    middle_R = (torch.arange(rows, dtype=torch.float64) + 0.5) / rows
    channel_C1 = torch.arange(CHANNELS, dtype=torch.float64)[:, None]
    return (scale * (channel_C1 + middle_R)).flatten()


@pytest.mark.parametrize("rows", [1, 2, 3, 6, 7, 11, 24])
def test_smooth_features_have_nearly_the_same_products(rows):
    torch.manual_seed(0)
    stored = torch.rand(5, CHANNELS * 6, dtype=torch.float64)
    fitted = resample_rows(stored, (5, CHANNELS * rows), CHANNELS, rows)
    assert fitted.shape == (5, CHANNELS * rows)
    there, here = stored @ features(6), fitted @ features(rows)
    torch.testing.assert_close(here, there, rtol=0.05, atol=0)


def test_a_whole_number_of_rows_is_divided_exactly():
    stored = torch.arange(CHANNELS * 2.0).reshape(1, -1)
    doubled = resample_rows(stored, (1, CHANNELS * 4), CHANNELS, 4)
    assert doubled.tolist() == [[value / 2 for value in stored[0].tolist() for _ in range(2)]]
    assert torch.equal(resample_rows(doubled, (1, CHANNELS * 2), CHANNELS, 2), stored)


def test_vectors_are_averaged():
    ones = torch.ones(CHANNELS * 3)
    fitted = resample_rows(ones, (CHANNELS * 5,), CHANNELS, 5)
    torch.testing.assert_close(fitted, torch.ones(CHANNELS * 5))


@pytest.mark.parametrize(
    ("stored", "shape"),
    [
        (torch.ones(5, CHANNELS * 3 + 1), (5, CHANNELS * 2)),  # no whole number of rows
        (torch.ones(6, CHANNELS * 3), (5, CHANNELS * 2)),  # another width
        (torch.ones(5, CHANNELS * 3), (5, CHANNELS * 2 + 1)),  # not over the features
        (torch.ones(CHANNELS * 3), (5, CHANNELS * 2)),
        (torch.tensor(1.0), (CHANNELS * 2,)),
        (torch.tensor(1.0), ()),
        (torch.ones(5, 0), (5, CHANNELS * 2)),
        (torch.ones(5, CHANNELS * 3, dtype=torch.int64), (5, CHANNELS * 2)),
    ],
)
def test_other_differences_are_not_resampled(stored, shape):
    assert resample_rows(stored, shape, CHANNELS, 2) is None
