import threading
import time

import pytest

from ctcbench import BadSample
from ctcbench.recognition.preparation import prepare_ahead


def halve(number):
    if number % 7 == 0:
        raise BadSample(f"{number} is bad")
    time.sleep((number % 3) / 10_000)
    return number / 2


def test_pictures_keep_their_order_and_errors_stay_in_place():
    found = list(prepare_ahead(range(200), halve, ahead=40, threads=4))
    assert [number for number, _ in found] == list(range(200))
    for number, outcome in found:
        assert str(outcome) == f"{number} is bad" if number % 7 == 0 else outcome == number / 2


def test_no_more_pictures_are_read_than_are_prepared_ahead():
    read = 0

    def pictures():
        nonlocal read
        for number in range(10_000):
            read += 1
            yield number

    for done, _ in enumerate(prepare_ahead(pictures(), halve, ahead=50, threads=2), start=1):
        assert read <= done + 50 + 16


def test_another_error_ends_the_threads():
    before = threading.active_count()
    with pytest.raises(ZeroDivisionError):
        list(prepare_ahead(range(100), lambda number: 1 / (50 - number), ahead=20, threads=3))
    assert threading.active_count() == before


def test_threads_end_where_the_caller_stops():
    before = threading.active_count()
    stream = prepare_ahead(range(10_000), halve, ahead=20, threads=3)
    next(stream)
    stream.close()
    assert threading.active_count() == before
