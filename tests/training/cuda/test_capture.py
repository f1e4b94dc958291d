"""Captures with a stand-in for CUDA, and the end of one that failed; tests/gpu has the rest."""

import contextlib
import gc
from types import SimpleNamespace

import pytest
import torch

from ctcbench.training.cuda import capture

NAMES = ("_cuda_endAllocateToPool", "_cuda_endAllocateCurrentStreamToPool")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("has_ended", [False, True])
def test_the_pool_is_released_if_torch_has_not_done_so(monkeypatch, name, has_ended):
    """On a torch without CUDA, which has none of these functions."""
    calls = []

    def end(*arguments):
        calls.append((name, *arguments))
        if has_ended:
            raise RuntimeError("endAllocatePool: not currently recording to mempool_id")

    for other in NAMES:
        monkeypatch.delattr(torch._C, other, raising=False)
    monkeypatch.setattr(torch._C, name, end, raising=False)
    monkeypatch.setattr(
        torch._C, "_cuda_releasePool", lambda *a: calls.append(("release", *a)), raising=False
    )
    capture._release_pool(0, (0, 7))
    expected = [(name, 0, (0, 7)), ("release", 0, (0, 7))]
    assert calls == expected[: 1 if has_ended else 2]


@pytest.mark.parametrize("fails", [False, True])
@pytest.mark.parametrize("enabled", [True, False])
def test_no_reference_cycle_is_collected_during_a_capture(monkeypatch, fails, enabled):
    """One could hold the graph of an earlier training, which CUDA can't delete then."""
    stream = SimpleNamespace(wait_stream=lambda other: None)
    cuda = SimpleNamespace(
        current_stream=lambda: stream,
        default_stream=lambda: None,
        graph_pool_handle=object,
        stream=contextlib.nullcontext,
        graph=lambda graph, **_: contextlib.nullcontext(),
        CUDAGraph=lambda: SimpleNamespace(replay=lambda: None),
        get_sync_debug_mode=lambda: 0,
        set_sync_debug_mode=lambda mode: None,
    )
    monkeypatch.setattr(torch, "cuda", cuda)
    monkeypatch.setattr(capture, "_end_failed_capture", lambda *_: None)
    seen = []

    def body():
        seen.append(gc.isenabled())
        if fails and len(seen) == 4:
            raise ValueError("no")

    was_enabled = gc.isenabled()
    (gc.enable if enabled else gc.disable)()
    try:
        with pytest.raises(ValueError, match="no") if fails else contextlib.nullcontext():
            capture.CudaCapture()(body)
        assert gc.isenabled() is enabled
    finally:
        (gc.enable if was_enabled else gc.disable)()
    assert seen == [enabled] * 3 + [False]
