"""Lane: a stream and a random generator of its own for one of several trainings on a GPU."""

from __future__ import annotations

import contextlib
from types import TracebackType
from typing import Self

import torch

# torch has this many streams. Two trainings on one would wait for each other, and their graphs would compute
# in the same workspace of cuBLAS.
MOST_LANES = 32


class Lane:
    """A context in which a GPU computes for one training; its kernels overlap with those of other lanes."""

    # The state of the generator is the training's own as well. Until torch 2.13, graphs that were captured
    # with one state read their seed at one address on the device: a replay would write it while the graph of
    # another training, on another stream, reads it.

    def __init__(self, device: torch.device) -> None:
        torch.cuda.init()  # the generators do not exist before
        index = torch.cuda.current_device() if device.index is None else device.index
        self._generator = torch.cuda.default_generators[index]
        self._own = torch.Generator(torch.device("cuda", index)).graphsafe_get_state()
        self._outer = self._generator.graphsafe_get_state()
        stream = torch.cuda.Stream(index)
        # What was launched before may still be computing what this stream will read.
        stream.wait_stream(torch.cuda.current_stream(index))
        self._stream_context = torch.cuda.stream(stream)

    def __enter__(self) -> Self:
        """Make the stream and the generator's state the current ones of the device."""
        self._outer = self._generator.graphsafe_get_state()
        self._generator.graphsafe_set_state(self._own)
        self._stream_context.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Restore those of before."""
        self._stream_context.__exit__(kind, error, trace)
        # Read again, because a capture that failed replaces the state.
        self._own = self._generator.graphsafe_get_state()
        self._generator.graphsafe_set_state(self._outer)


def make_lanes(device: torch.device, count: int) -> list[contextlib.AbstractContextManager[object]]:
    """Return a context for each of `count` trainings on one device; on a CPU they change nothing."""
    if device.type != "cuda" or count == 1:
        return [contextlib.nullcontext() for _ in range(count)]
    assert count <= MOST_LANES, count
    return [Lane(device) for _ in range(count)]
