"""Batches of samples that share images, on a host and on a device, compared with those of copies."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from ctcbench import Alphabet
from ctcbench.contract.ragged_images import RaggedImages
from ctcbench.contract.repeated_images import RepeatedImages
from ctcbench.training import resident_images
from ctcbench.training.cuda.resident_split import ResidentSplit
from ctcbench.training.resident_images import device_images
from ctcbench.training.split import batch_at, make_split, steps_per_epoch
from tests.tiny_config import tiny
from tests.training.step_cases import ragged_samples, some_samples

CPU = torch.device("cpu")
ROWS_N = np.array([0, 1, 0, 2, 3, 1, 0, 4, 2, 5], np.int32)
CONFIG = tiny(batch_size=3)


def repeated_pair(kind):
    """Return samples that share images, and the same samples with a copy of its image for each."""
    if kind == "one width":
        stored = some_samples(6)
        copied_NCHW, widths_N = stored.images_NCHW[ROWS_N], np.arange(20, 60, 4, dtype=np.int32)
    else:
        stored = ragged_samples([50, 21, 40, 33, 9, 60])
        copied_NCHW = RaggedImages.of([stored.images_NCHW[row] for row in ROWS_N])
        widths_N = copied_NCHW.widths_N
    texts = tuple(map(str, range(len(ROWS_N))))
    copies = replace(stored, images_NCHW=copied_NCHW, widths_N=widths_N, texts=texts, names=texts)
    return replace(copies, images_NCHW=RepeatedImages(stored.images_NCHW, ROWS_N)), copies


def require_equal(ours, theirs):
    for one, other in zip(ours[:4], theirs[:4], strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize("kept", [None, [1, 2, 3, 5, 6, 8]])
@pytest.mark.parametrize("kind", ["one width", "ragged"])
@pytest.mark.parametrize("direction", ["ltr", "rtl"])
def test_batches_are_those_of_copies(kind, kept, direction, monkeypatch):
    monkeypatch.setattr(resident_images, "IMAGES_PER_COPY", 2)
    alphabet, kept_N = Alphabet("0123456789", direction), None if kept is None else np.array(kept)
    samples, copies = repeated_pair(kind)
    ours, theirs = (
        make_split(found, alphabet, CPU, kept_N).with_buckets(3, exact=False) for found in (samples, copies)
    )
    # As on a GPU, where images that no sample has take no memory.
    images_NCHW, rows_N = device_images(samples.images_NCHW, kept_N, CPU)
    device = replace(ours, images_NCHW=images_NCHW, rows_N=rows_N)
    if kind == "one width":
        assert len(images_NCHW) == len(set(ROWS_N[kept_N if kept else slice(None)]))
    for step in range(2 * steps_per_epoch(theirs, CONFIG)):
        expected = batch_at(theirs, step, CONFIG)
        require_equal(batch_at(ours, step, CONFIG), expected)
        require_equal(batch_at(device, step, CONFIG), expected)
        index = torch.arange(len(theirs))
        width = expected.images_NCHW.shape[3]
        require_equal(ResidentSplit(device).batch(index, width), device.batch(index.numpy(), width))


@pytest.mark.parametrize("kind", ["one width", "ragged"])
def test_images_are_stored_as_often_as_before(kind):
    samples, copies = repeated_pair(kind)
    part = make_split(samples, Alphabet("0123456789"), CPU)
    assert part.images_NCHW is samples.images_NCHW.stored
    assert part.rows_N is samples.images_NCHW.rows_N
    assert make_split(copies, Alphabet("0123456789"), CPU).rows_N is None


def test_the_images_of_samples_that_are_drawn_later_are_left_empty():
    samples, _ = repeated_pair("one width")
    images_NCHW, rows_N = device_images(samples.images_NCHW, None, torch.device("meta"), drawn=False)
    assert images_NCHW.shape == (6, *samples.images_NCHW.shape[1:])
    assert rows_N.shape == (10,)
