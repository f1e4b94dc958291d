"""ImageArrival: images that are copied into a tensor while they are drawn."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from ctcbench.data.sample_order import order_of
from ctcbench.training import image_arrival
from ctcbench.training.image_arrival import ImageArrival
from ctcbench.training.split import make_split
from tests.training.arriving_samples import ArrivingSamples
from tests.training.step_cases import ALPHABET, some_samples

BATCH = 8


@pytest.mark.parametrize("ahead", [0, 5, 100])
@pytest.mark.parametrize("kept", ["all", "some"])
def test_the_images_of_each_step_are_in_the_tensor_when_it_starts(ahead, kept, monkeypatch):
    monkeypatch.setattr(image_arrival, "IMAGES_PER_COPY", 13)
    samples = some_samples(40)
    kept_N = None if kept == "all" else np.delete(np.arange(40), [0, 7, 39])
    # As on a GPU: the images are a tensor.
    whole = make_split(samples, ALPHABET, torch.device("cpu"), kept_N)
    rows_N = np.arange(40) if kept_N is None else kept_N
    part = replace(
        whole,
        images_NCHW=torch.zeros(len(whole), *samples.images_NCHW.shape[1:], dtype=torch.uint8),
        rows_N=None,
    )
    drawing = ArrivingSamples(samples, ahead)
    arrival = ImageArrival(drawing, part, kept_N, BATCH)
    order_N, waited = order_of(len(part), ArrivingSamples.seed, 0), []
    for step in range(12):
        arrival.wait_for(step, lambda: waited.append(1))
        indices_N = order_N[step * BATCH : (step + 1) * BATCH]
        expected = torch.from_numpy(np.array(samples.images_NCHW)[rows_N[indices_N]])
        assert torch.equal(part.batch(indices_N).images_NCHW, expected)
    assert torch.equal(part.images_NCHW, torch.from_numpy(np.array(samples.images_NCHW)[rows_N]))
    # Images that are drawn ahead are copied together, and after the first epoch there is nothing to wait for.
    assert drawing.waits <= 5
    assert len(waited) <= drawing.waits
