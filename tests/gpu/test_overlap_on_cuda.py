"""Training images that are drawn and copied to a GPU while it trains; `make test-gpu` runs these."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from ctcbench.config.recipe import resolve
from ctcbench.data.sample_order import order_of
from ctcbench.pipeline import run_context, runner
from ctcbench.results.run_folder import RunFolder
from ctcbench.training import image_arrival
from ctcbench.training.image_arrival import ImageArrival
from ctcbench.training.runtime import Runtime
from ctcbench.training.split import make_split
from tests.pipeline.run_cases import Listener
from tests.tiny_config import tiny
from tests.training.arriving_samples import ArrivingSamples
from tests.training.step_cases import ALPHABET, some_samples

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no CUDA device"),
]


@pytest.mark.parametrize("graph", [None, False])
def test_a_run_has_the_same_weights_whenever_its_images_are_drawn(registry, tmp_path, monkeypatch, graph):
    config = tiny(device="cuda", deterministic=True, train_samples=600, batch_size=64, epochs=2)
    started, real = [], run_context.start_drawing
    monkeypatch.setattr(
        run_context, "start_drawing", lambda *a, **k: started.append(real(*a, **k)) or started[-1]
    )
    weights = []
    for overlap in (None, False):  # by default images are drawn while a GPU trains
        monkeypatch.setenv("CTCBENCH_CACHE", str(tmp_path / f"cache {overlap}"))
        listener = Listener()
        runtime = Runtime(tmp_path / str(overlap), graph=graph, overlap=overlap, listener=listener)
        result = runner.run(resolve(registry, config), runtime)
        assert listener.notices == []
        weights.append(RunFolder(result.folder).weights_path.read_bytes())
    assert len(started) == 1
    assert started[0] is not None
    assert weights[0] == weights[1]


def test_the_host_does_not_wait_for_the_gpu_when_it_copies_images(monkeypatch):
    monkeypatch.setattr(image_arrival, "IMAGES_PER_COPY", 13)
    samples = some_samples(40)
    order_N = order_of(40, ArrivingSamples.seed, 0)
    for is_warm in (False, True):  # the first time allocates memory, which may wait
        torch.cuda.synchronize()
        part = make_split(samples, ALPHABET, torch.device("cuda"), drawn=False)
        arrival = ImageArrival(ArrivingSamples(samples, ahead=5), part, None, 8)
        # So long that the copies would be done before it, if they did not wait for it.
        torch.cuda._sleep(500_000_000)
        busy = torch.cuda.Event()
        busy.record()
        torch.cuda.set_sync_debug_mode("error")
        try:
            for step in range(5):
                arrival.wait_for(step, lambda: None)
            assert not (is_warm and busy.query())
        finally:
            torch.cuda.set_sync_debug_mode("default")
        for step in range(5):
            indices_N = order_N[8 * step : 8 * step + 8]
            expected = torch.from_numpy(np.array(samples.images_NCHW)[indices_N])
            assert torch.equal(part.batch(indices_N).images_NCHW.cpu(), expected)


def test_a_split_that_is_not_drawn_yet_has_the_rows_that_are_kept():
    samples = replace(some_samples(40), fingerprint="")
    kept_N = np.delete(np.arange(40), [0, 7, 39])
    part = make_split(samples, ALPHABET, torch.device("cuda"), kept_N, drawn=False)
    assert part.images_NCHW.shape[0] == 37
    arrival = ImageArrival(ArrivingSamples(samples, ahead=100), part, kept_N, 37)
    arrival.wait_for(0, lambda: None)
    expected = torch.from_numpy(np.array(samples.images_NCHW)[kept_N])
    assert torch.equal(part.images_NCHW.cpu(), expected)
