"""CudaCapture: records what a function launches on a GPU, and replays it as one CUDA graph."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import torch

# The first calls choose algorithms, compile kernels and allocate workspaces, which a capture can't do.
_WARM_UP_CALLS = 3


class CudaCapture:
    """Captures functions into CUDA graphs that share their memory; their replays must not overlap."""

    def __init__(self) -> None:
        self._stream = torch.cuda.Stream()
        self._pool = torch.cuda.graph_pool_handle()

    def __call__(self, body: Callable[[], object]) -> Callable[[], None]:
        """Call `body` a few times, capture it, and return the function that replays the graph.

        Raises:
            RuntimeError: the body waits for the GPU, or does something else that can't be captured.
        """
        current = torch.cuda.current_stream()
        self._stream.wait_stream(current)
        try:
            # On another stream than the default one, which can't be captured. Its workspaces (cuBLAS) are
            # allocated here, outside of the graph.
            with torch.cuda.stream(self._stream):
                for _ in range(_WARM_UP_CALLS - 1):
                    body()
                _call_without_waiting(body)
        finally:
            current.wait_stream(self._stream)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, pool=self._pool, stream=self._stream):
            body()
        replay: Callable[[], None] = graph.replay
        return replay


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
