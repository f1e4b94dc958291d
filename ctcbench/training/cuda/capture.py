"""CudaCapture: records what a function launches on a GPU, and replays it as one CUDA graph."""

from __future__ import annotations

import contextlib
import gc
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import torch

# The first calls choose algorithms, compile kernels and allocate workspaces, which a capture can't do.
_WARM_UP_CALLS = 3

_failed: list[torch.cuda.CUDAGraph] = []


class CudaCapture:
    """Captures functions into CUDA graphs that share their memory; their replays must not overlap."""

    def __init__(self) -> None:
        current = torch.cuda.current_stream()
        # The default stream can't be captured, the stream of a `Lane` can. Of its own streams torch has 32,
        # and graphs that were captured on the same one must not run at the same time: cuBLAS's workspace
        # belongs to the stream.
        self._stream = torch.cuda.Stream() if current == torch.cuda.default_stream() else current
        self._pool = torch.cuda.graph_pool_handle()

    def __call__(self, body: Callable[[], object]) -> Callable[[], None]:
        """Call `body` a few times, capture it, and return the function that replays the graph.

        Raises:
            RuntimeError: the body waits for the GPU, or does something else that can't be captured.
        """
        current = torch.cuda.current_stream()
        self._stream.wait_stream(current)
        try:
            # On the stream of the capture: its workspaces (cuBLAS) are allocated here, outside of the graph.
            with torch.cuda.stream(self._stream):
                for _ in range(_WARM_UP_CALLS - 1):
                    body()
                _call_without_waiting(body)
        finally:
            current.wait_stream(self._stream)
        graph = torch.cuda.CUDAGraph()
        try:
            # The outer context restores the stream: a capture that fails leaves its own as the current one.
            with (
                _without_collection(),
                torch.cuda.stream(current),
                torch.cuda.graph(graph, pool=self._pool, stream=self._stream),
            ):
                body()
        except Exception:
            _end_failed_capture(graph, self._pool)
            raise
        replay: Callable[[], None] = graph.replay
        return replay


@contextlib.contextmanager
def _without_collection() -> Iterator[None]:
    """Return a context in which Python's collector of reference cycles does not run."""
    # It could delete the graph of an earlier training, for example one that an exception's traceback holds.
    # CUDA forbids that during a capture, which would fail. Since torch 2.9 `torch.cuda.graph` no longer
    # collects such objects before it begins.
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _end_failed_capture(graph: torch.cuda.CUDAGraph, pool: Any) -> None:
    """Undo what a capture that failed has begun in torch, which ends it only after a success."""
    device = torch.cuda.current_device()
    # Before the pool: versions whose reset() ends a failed capture must not find it ended already.
    graph.reset()
    # torch's allocator of pinned memory, which does not learn of the failure, keeps a pointer to the graph.
    _failed.append(graph)
    # The generator of torch before 2.13 still takes itself to be in a capture, in which drawing outside of
    # one is an error. It gets a state that is in none; the caller restores seed and offset.
    generator = torch.cuda.default_generators[device]
    generator.graphsafe_set_state(torch.Generator(f"cuda:{device}").graphsafe_get_state())
    _release_pool(device, pool)
    torch.cuda.empty_cache()


def _release_pool(device: int, pool: Any) -> None:
    """Make the allocator return memory again, which it does not while a capture is underway."""
    # Renamed in torch 2.8.
    names = ("_cuda_endAllocateToPool", "_cuda_endAllocateCurrentStreamToPool")
    end = next(getattr(torch._C, name) for name in names if hasattr(torch._C, name))
    # The first call raises if the capture has ended after all; the graph then releases its memory itself.
    with contextlib.suppress(RuntimeError):
        end(device, pool)
        torch._C._cuda_releasePool(device, pool)


def _call_without_waiting(body: Callable[[], object]) -> None:
    """Call `body`; an operation that waits for the GPU raises RuntimeError, before it can spoil a capture."""
    before = torch.cuda.get_sync_debug_mode()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Synchronization debug mode is a prototype feature")
        torch.cuda.set_sync_debug_mode("error")
    try:
        body()
    finally:
        torch.cuda.set_sync_debug_mode(before)
