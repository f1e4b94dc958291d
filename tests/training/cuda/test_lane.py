"""Lanes: which stream and which generator's state are current, with stand-ins for those of CUDA."""

import contextlib

import pytest
import torch

from ctcbench.training.cuda import capture
from ctcbench.training.cuda.lane import MOST_LANES, Lane, make_lanes

GPU = torch.device("cuda")


class Generator:
    """A generator whose state is an object that can be exchanged, as that of CUDA is."""

    def __init__(self, device=None):
        self.state = ["state"]

    def graphsafe_get_state(self):
        other = Generator()
        other.state = self.state
        return other

    def graphsafe_set_state(self, other):
        self.state = other.state


class Cuda:
    """What `Lane` and `CudaCapture` use of torch.cuda, for one device."""

    def __init__(self):
        self.default_generators = (Generator(),)
        self.streams, self.waits = [], []
        self.current = self.default = "default stream"

    def init(self):
        pass

    def current_device(self):
        return 0

    def Stream(self, index=None):
        cuda = self

        class Stream:
            def wait_stream(self, other):
                cuda.waits.append((self, other))

        self.streams.append(Stream())
        return self.streams[-1]

    def current_stream(self, index=None):
        return self.current

    def default_stream(self, index=None):
        return self.default

    @contextlib.contextmanager
    def _stream(self, stream):
        before, self.current = self.current, stream
        yield
        self.current = before

    def stream(self, stream):
        make, open_ = self._stream, []

        class Context:
            def __enter__(self):
                open_.append(make(stream))
                open_[-1].__enter__()

            def __exit__(self, *error):
                open_.pop().__exit__(None, None, None)

        return Context()

    def graph_pool_handle(self):
        return object()


@pytest.fixture
def cuda(monkeypatch):
    fake = Cuda()
    monkeypatch.setattr(torch, "cuda", fake)
    monkeypatch.setattr(torch, "Generator", Generator)
    return fake


def test_each_lane_has_its_own_stream_and_state_and_restores_those_of_before(cuda):
    (generator,), outer = cuda.default_generators, cuda.default_generators[0].state
    one, other = make_lanes(GPU, 2)
    seen = []
    for lane in (one, other, one):
        with lane:
            seen.append((cuda.current, id(generator.state)))
        assert cuda.current == cuda.default
        assert generator.state is outer
    assert seen[0] == seen[2] != seen[1]
    assert cuda.default not in (seen[0][0], seen[1][0])
    assert len({id(outer), seen[0][1], seen[1][1]}) == 3
    # Their streams wait for what was launched before they were made.
    assert cuda.waits == [(stream, cuda.default) for stream in cuda.streams]


def test_a_lane_that_ends_with_an_error_restores_too(cuda):
    outer = cuda.default_generators[0].state
    with pytest.raises(ValueError, match="no"), Lane(GPU):
        raise ValueError("no")
    assert (cuda.current, cuda.default_generators[0].state) == (cuda.default, outer)
    assert cuda.default_generators[0].state is outer


def test_a_state_that_was_replaced_within_a_lane_stays_its_own(cuda):
    """As after a capture that failed."""
    (generator,) = cuda.default_generators
    lane, replaced = Lane(GPU), Generator()
    with lane:
        generator.graphsafe_set_state(replaced)
    assert generator.state is not replaced.state
    with lane:
        assert generator.state is replaced.state


def test_a_capture_in_a_lane_is_on_its_stream(cuda):
    with Lane(GPU):
        stream = capture.CudaCapture()._stream
    assert stream is cuda.streams[0]
    assert capture.CudaCapture()._stream is cuda.streams[1]


def test_a_cpu_and_a_single_training_need_no_lanes(cuda):
    assert len(make_lanes(torch.device("cpu"), 40)) == 40
    assert len(make_lanes(GPU, 1)) == 1
    assert not cuda.streams
    with pytest.raises(AssertionError):
        make_lanes(GPU, MOST_LANES + 1)
