"""ImageArrival: images that are copied into a tensor while they are drawn."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from ctcbench.contract.repeated_images import RepeatedImages
from ctcbench.data.sample_order import order_of
from ctcbench.training import image_arrival
from ctcbench.training.image_arrival import ImageArrival
from ctcbench.training.resident_images import device_images
from ctcbench.training.split import make_split
from tests.training.arriving_samples import ArrivingSamples
from tests.training.step_cases import ALPHABET, some_samples

BATCH = 8


@pytest.mark.parametrize("ahead", [0, 5, 100])
@pytest.mark.parametrize("kept", ["all", "some"])
@pytest.mark.parametrize("repeated", [False, True])
@pytest.mark.parametrize("per_copy", [13, 3])  # more and fewer than a batch has
def test_the_images_of_each_step_are_in_the_tensor_when_it_starts(
    ahead, kept, repeated, per_copy, monkeypatch
):
    monkeypatch.setattr(image_arrival, "IMAGES_PER_COPY", per_copy)
    samples = some_samples(40)
    every_NCHW = samples.images_NCHW
    if repeated:
        rows_N = np.arange(40, dtype=np.int32) % 11
        every_NCHW = samples.images_NCHW[rows_N]
        samples = replace(samples, images_NCHW=RepeatedImages(samples.images_NCHW[:11], rows_N))
    kept_N = None if kept == "all" else np.delete(np.arange(40), [0, 7, 39])
    # As on a GPU: the images are a tensor.
    images_NCHW, rows_N = device_images(samples.images_NCHW, kept_N, torch.device("cpu"), drawn=False)
    assert len(images_NCHW) == (11 if repeated else 40 if kept_N is None else 37)
    whole = make_split(samples, ALPHABET, torch.device("cpu"), kept_N)
    part = replace(whole, images_NCHW=images_NCHW.zero_(), rows_N=rows_N)
    drawing = ArrivingSamples(samples, ahead)
    arrival = ImageArrival(drawing, part, kept_N, BATCH)
    order_N, waited = order_of(len(part), ArrivingSamples.seed, 0), []
    expected_NCHW = torch.from_numpy(every_NCHW if kept_N is None else every_NCHW[kept_N])
    for step in range(12):
        arrival.wait_for(step, lambda: waited.append(1))
        indices_N = order_N[step * BATCH : (step + 1) * BATCH]
        assert torch.equal(part.batch(indices_N).images_NCHW, expected_NCHW[indices_N])
    assert torch.equal(part.batch(np.arange(len(part))).images_NCHW, expected_NCHW)
    # Images that are drawn ahead are copied together, and after the first epoch there is nothing to wait for.
    assert drawing.waits <= 5
    assert len(waited) <= drawing.waits
