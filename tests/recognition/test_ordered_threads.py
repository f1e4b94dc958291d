import threading
import time

import pytest

from ctcbench.recognition.ordered_threads import map_in_threads


def halve(number):
    time.sleep((number % 3) / 10_000)
    return number / 2


def nothing():
    pass


def test_results_are_in_order():
    assert list(map_in_threads(halve, range(200), 4, nothing)) == [number / 2 for number in range(200)]
    assert list(map_in_threads(halve, [], 4, nothing)) == []


def test_items_are_read_a_few_ahead_of_the_results():
    read = 0

    def numbers():
        nonlocal read
        for number in range(300):
            read += 1
            yield number

    for done, _ in enumerate(map_in_threads(halve, numbers(), 3, nothing), start=1):
        assert read <= done + 3 + 2


def test_each_thread_is_initialised():
    started = []
    found = map_in_threads(
        lambda _: threading.get_ident(), range(50), 3, lambda: started.append(threading.get_ident())
    )
    assert set(found) <= set(started)


def test_an_error_ends_the_threads():
    before = threading.active_count()
    with pytest.raises(ZeroDivisionError):
        list(map_in_threads(lambda number: 1 / (50 - number), range(100), 3, nothing))
    assert threading.active_count() == before


def test_threads_end_where_the_caller_stops():
    before = threading.active_count()
    stream = map_in_threads(halve, range(10_000), 3, nothing)
    next(stream)
    stream.close()
    assert threading.active_count() == before
