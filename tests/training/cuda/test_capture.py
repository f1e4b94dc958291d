"""The end of a capture that failed, for the names that torch's functions have had; tests/gpu has the rest."""

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
