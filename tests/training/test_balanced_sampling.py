"""Sampling of images with rare characters: weights, resampling, and the batches of an epoch."""

from collections import Counter

import numpy as np
import pytest
import torch

from ctcbench.training.balanced_sampling import MOST_TIMES, resample, sample_weights
from ctcbench.training.split import batch_at, make_split, steps_per_epoch
from tests.tiny_config import tiny
from tests.training.step_cases import ALPHABET, ragged_samples, some_state

# Four texts: 1 is in all of them, 2 in two, 3 in one, twice; the last column of the first is padding.
TARGETS_NL = np.array([[1, 1, 9], [1, 2, 2], [2, 1, 1], [3, 3, 1]])
LENGTHS_N = np.array([2, 3, 3, 3])


def test_a_weight_is_the_power_of_the_number_of_texts_with_the_rarest_character():
    assert sample_weights(TARGETS_NL, LENGTHS_N, 1.0).tolist() == [1 / 4, 1 / 2, 1 / 2, 1]
    assert sample_weights(TARGETS_NL, LENGTHS_N, 0.5) == pytest.approx([1 / 2, 2**-0.5, 2**-0.5, 1])


def test_empty_texts_weigh_least_and_an_odd_one_is_limited():
    targets_NL = np.ones((1000, 2), np.int64)
    targets_NL[5] = 7
    lengths_N = np.full(1000, 2)
    lengths_N[0] = 0
    weights_N = sample_weights(targets_NL, lengths_N, 1.0)
    assert weights_N.argmin() == 0
    assert weights_N[5] == weights_N.max() == pytest.approx(MOST_TIMES * weights_N.min())
    assert sample_weights(np.zeros((3, 0), np.int64), np.zeros(3, np.int64), 1.0).tolist() == [1, 1, 1]


def test_samples_are_read_in_proportion_to_their_weights():
    weights_N = np.random.default_rng(0).random(200) + 0.01
    share_N = weights_N / weights_N.sum() * 200
    for seed in range(20):
        chosen_N = resample(
            np.random.default_rng(seed).permutation(200), weights_N, np.random.default_rng(seed)
        )
        counts_N = np.bincount(chosen_N, minlength=200)
        assert counts_N.sum() == 200
        assert (np.floor(share_N) <= counts_N).all()
        assert (counts_N <= np.ceil(share_N)).all()
    assert sorted(resample(np.arange(9), np.ones(9), np.random.default_rng(1))) == list(range(9))


def test_batches_follow_the_weights_and_stay_a_function_of_seed_and_epoch(registry):
    _, part, config = some_state(registry)
    assert part.with_balance(0) is part
    balanced = part.with_balance(1.0)
    first = [batch_at(balanced, step, config).images_NCHW for step in range(4)]
    again = [batch_at(part.with_balance(1.0), step, config).images_NCHW for step in (3, 2, 1, 0)]
    assert all(torch.equal(a, b) for a, b in zip(first, reversed(again), strict=True))
    assert not torch.equal(first[0], batch_at(part, 0, config).images_NCHW)
    assert steps_per_epoch(balanced, config) == steps_per_epoch(part, config)


def test_buckets_keep_their_numbers_of_batches():
    config = tiny(batch_size=2, seed=4)
    plain = make_split(ragged_samples([20, 24, 28, 32, 36, 40, 44, 48, 52]), ALPHABET, torch.device("cpu"))
    part = plain.with_balance(1.0).with_buckets(2, exact=False)

    def widths(epoch):
        steps = range(epoch * steps_per_epoch(part, config), (epoch + 1) * steps_per_epoch(part, config))
        batches = [batch_at(part, step, config) for step in steps]
        return Counter((batch.images_NCHW.shape[-1], len(batch.widths_N)) for batch in batches)

    assert widths(0) == widths(1)
