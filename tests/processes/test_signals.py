"""Stop requests: the first signal, the second, and one that arrives during a write."""

import io
import os
import signal

import pytest

from ctcbench.processes.signals import stop_on_signals


def test_the_first_signal_requests_a_stop_and_the_second_interrupts():
    notices, before = [], signal.getsignal(signal.SIGINT)
    with stop_on_signals(notices.append) as stop:
        assert not stop.requested
        os.kill(os.getpid(), signal.SIGINT)
        assert notices == ["stopping after this step; once more to stop at once"]
        assert stop.requested and stop.requested and len(notices) == 1
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGTERM)
    assert signal.getsignal(signal.SIGINT) is before


def test_a_signal_in_an_inner_context_stops_the_outer_one_too():
    notices, inner_notices = [], []
    with stop_on_signals(notices.append) as stop:
        with stop_on_signals(inner_notices.append) as inner:
            os.kill(os.getpid(), signal.SIGINT)
            assert inner.requested
        assert stop.requested
    assert len(inner_notices) == 1 and not notices
    with stop_on_signals(notices.append) as later:
        assert not later.requested


class InterruptedStream(io.RawIOBase):
    """A stream during whose first write a signal arrives."""

    def __init__(self):
        self.written, self.calls = b"", 0

    def writable(self):
        return True

    def write(self, data):
        self.calls += 1
        if self.calls == 1:
            os.kill(os.getpid(), signal.SIGINT)
        self.written += bytes(data)
        return len(data)


def test_a_signal_during_a_write_is_announced_after_it():
    raw = InterruptedStream()
    channel = io.BufferedWriter(raw)

    def tell(text):
        channel.write(text.encode() + b"\n")
        channel.flush()

    with stop_on_signals(tell) as stop:
        tell("a line of progress")
        assert raw.written == b"a line of progress\n"
        assert stop.requested
    assert raw.written == b"a line of progress\nstopping after this step; once more to stop at once\n"
