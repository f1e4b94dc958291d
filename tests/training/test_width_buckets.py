"""Batches of images of different widths: buckets, their order, and reading."""

import numpy as np
import pytest
import torch

from ctcbench import Alphabet
from ctcbench.contract.data import Samples
from ctcbench.contract.ragged_images import RaggedImages
from ctcbench.training.ragged_tensor import RaggedTensor
from ctcbench.training.split import batch_at, make_split, steps_per_epoch
from ctcbench.training.width_buckets import make_buckets, padded_width, reading_batches
from tests.tiny_config import tiny
from tests.training.step_cases import ALPHABET, ragged_samples

CPU = torch.device("cpu")


def widths_of(count, seed=0):
    return np.random.default_rng(seed).integers(10, 200, count).astype(np.int32)


def test_a_handful_of_buckets_has_about_as_many_images_each():
    widths_N = widths_of(1200)
    buckets = make_buckets(widths_N, 32, exact=False)
    assert len(buckets.widths) == 6
    assert all(width % 16 == 0 for width in buckets.widths)
    assert sum(buckets.sizes()) == 1200
    assert min(buckets.sizes()) > 100
    padded_N = np.array(buckets.widths)[buckets.buckets_N]
    assert (padded_N >= widths_N).all()
    # No image would fit into a narrower bucket.
    assert all(
        bucket == 0 or width > buckets.widths[bucket - 1]
        for width, bucket in zip(widths_N.tolist(), buckets.buckets_N.tolist(), strict=True)
    )


def test_few_images_have_fewer_buckets():
    assert len(make_buckets(widths_of(64), 32, exact=False).widths) == 1
    assert len(make_buckets(widths_of(256), 32, exact=False).widths) == 2
    assert len(make_buckets(np.full(1200, 50, np.int32), 32, exact=False).widths) == 1


def test_an_epoch_has_each_image_once_in_batches_of_one_bucket():
    buckets = make_buckets(widths_of(700), 16, exact=False)
    plan = buckets.plan(16, seed=3, epoch=2)
    assert sorted(plan.order_N.tolist()) == list(range(700))
    assert len(plan.widths_B) == buckets.steps_per_epoch(16)
    batches = [plan.batch(number) for number in range(len(plan.widths_B))]
    smaller = [len(batch) for batch in batches if len(batch) != 16]
    assert len(smaller) <= len(buckets.widths)
    for number, batch in enumerate(batches):
        assert {buckets.widths[bucket] for bucket in buckets.buckets_N[batch]} == {plan.width(number)}
    # The widths come in no order.
    assert plan.widths_B.tolist() != sorted(plan.widths_B.tolist())


def test_the_order_is_a_function_of_seed_and_epoch():
    def order(seed, epoch):
        return make_buckets(widths_of(300), 16, exact=False).plan(16, seed, epoch).order_N.tolist()

    assert order(1, 0) == order(1, 0)
    assert order(1, 0) != order(1, 1)
    assert order(1, 0) != order(2, 0)


def test_exact_buckets_have_images_of_one_width():
    widths_N = np.array([30, 20, 30, 30, 20], np.int32)
    buckets = make_buckets(widths_N, 2, exact=True)
    assert buckets.widths == (20, 30)
    assert buckets.buckets_N.tolist() == [1, 0, 1, 1, 0]
    assert [batch.tolist() for batch in reading_batches(widths_N, 2, exact=True)] == [[1, 4], [0, 2], [3]]
    assert padded_width(widths_N[:1], exact=True) == 30


def test_images_are_read_by_width():
    widths_N = np.array([30, 20, 33, 31, 20], np.int32)
    batches = reading_batches(widths_N, 3, exact=False)
    assert [batch.tolist() for batch in batches] == [[1, 4, 0], [3, 2]]
    assert [padded_width(widths_N[batch], exact=False) for batch in batches] == [32, 48]


@pytest.mark.parametrize("kept", [None, [0, 2, 3, 5, 6, 7]])
@pytest.mark.parametrize("direction", ["ltr", "rtl"])
def test_a_batch_has_the_images_of_its_samples(kept, direction):
    """Those of a file, and those of a device, which gathers them itself."""
    samples, config = ragged_samples([50, 21, 40, 33, 9, 60, 60, 17]), tiny(batch_size=3)
    kept_N = None if kept is None else np.array(kept)
    part = make_split(samples, Alphabet("0123456789", direction), CPU, kept_N)
    part = part.with_buckets(config.batch_size, exact=False)
    device = RaggedTensor(samples.images_NCHW, CPU, kept_N)
    rows = list(range(8)) if kept is None else kept
    seen = []
    for step in range(steps_per_epoch(part, config)):
        batch = batch_at(part, step, config)
        assert batch.images_NCHW.shape[3] in part.buckets.widths
        for number, image_CHW in enumerate(batch.images_NCHW):
            width = int(batch.widths_N[number])
            (row,) = [r for r in rows if samples.texts[r] == str(int(batch.targets_NL[number, 0]) - 1)]
            expected = torch.from_numpy(samples.images_NCHW[row].copy())
            assert torch.equal(image_CHW[:, :, :width], expected.flip(2) if direction == "rtl" else expected)
            assert (image_CHW[:, :, width:] == 255).all()
            place = torch.tensor([rows.index(row)])
            assert torch.equal(device.padded(place, 64)[0, :, :, :width], expected)
            assert (device.padded(place, 64)[0, :, :, width:] == 255).all()
            seen.append(row)
    assert sorted(seen) == rows


def test_images_of_one_width_have_no_buckets():
    fixed = Samples(
        np.zeros((4, 1, 24, 60), np.uint8), np.full(4, 60, np.int32), ("1", "2", "3", "4"), tuple("abcd"), ""
    )
    part = make_split(fixed, ALPHABET, CPU).with_buckets(2, exact=False)
    assert part.buckets is None
    assert [batch.tolist() for batch in part.reading_batches(3, exact=False)] == [[0, 1, 2], [3]]


def test_an_index_of_one_image_of_a_set_of_a_million_takes_no_time_or_memory_of_the_others():
    """The images are an array that has no memory; only the index of widths does."""
    widths_N = np.full(1_000_000, 400, np.int32)
    pixels = np.broadcast_to(np.uint8(7), (1_000_000 * 400 * 40,))
    ragged = RaggedImages(pixels, widths_N, 1, 40)
    assert ragged[999_999].shape == (1, 40, 400)
    assert ragged.padded(np.array([5, 999_999]), 416).shape == (2, 1, 40, 416)
