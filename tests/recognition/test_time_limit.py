"""A call that takes longer than its limit is abandoned, with an error."""

import threading

import pytest

from ctcbench.recognition.time_limit import TookTooLong, call_within


def test_the_result_or_the_error_of_a_call_is_passed_on():
    assert call_within(60, lambda: 3) == 3
    assert call_within(60, lambda: None) is None
    with pytest.raises(KeyError, match="x"):
        call_within(60, lambda: {}["x"])


def test_a_call_that_takes_too_long_is_asked_to_end():
    stop = threading.Event()
    with pytest.raises(TookTooLong):
        call_within(0.01, stop.wait, stop.set)
    assert stop.is_set()
