"""BackgroundDrawing: samples that are read while worker processes draw them."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from ctcbench.contract.errors import CtcbenchError, PluginError
from ctcbench.data import background_drawing
from ctcbench.data import cache as caching
from ctcbench.data.built_dataset import build_dataset
from ctcbench.data.sample_order import order_of


@pytest.fixture
def start(plugins, cache, monkeypatch):
    """Return ``start(options, count, …)``, which starts to draw samples of the data set `marks`."""
    monkeypatch.setenv("CTCBENCH_CACHE", str(cache))
    started = []

    def call(options="known=yes", count=300, **more):
        more = {"seed": 5, "workers": 1, "notice": print, **more}
        drawing = background_drawing.start_drawing(
            build_dataset(plugins, f"marks:{options}"), "train", count, **more
        )
        started.append(drawing)
        return drawing

    yield call
    for drawing in filter(None, started):
        drawing.close()


def finish(drawing):
    return drawing.finish(lambda done, total: None)


def left_in(cache: Path) -> list[str]:
    return [path.name for path in cache.iterdir() if path.name != "locks"]


def test_the_samples_are_those_that_materialise_draws(start, draw):
    drawing = start(workers=2)
    given = drawing.samples
    finished = finish(drawing)
    drawing.close()
    again = draw("known=yes", count=300)  # from the cache
    before = draw("known=yes,version=2", count=300)
    for samples in (given, finished, again):
        assert (samples.images_NCHW == before.images_NCHW).all()
        assert samples.texts == before.texts
        assert samples.names == before.names
        assert (samples.widths_N == before.widths_N).all()
    assert finished.fingerprint == again.fingerprint == before.fingerprint
    assert given.fingerprint == ""
    assert given.origin == finished.origin == again.origin != before.origin
    assert draw("known=yes", count=200).origin != again.origin


@pytest.mark.landing
def test_images_can_be_read_in_the_order_of_the_first_epoch_while_the_rest_is_drawn(start):
    drawing = start("known=yes,delay=0.003", 400, workers=2)
    order_N = order_of(400, 5, 0)
    drawing.wait_for(order_N[:20])
    images_NCHW = drawing.samples.images_NCHW[order_N[:20]]
    assert (images_NCHW[:, 0, 0, 0] == order_N[:20] % 251).all()
    # The workers are at most a report apart.
    assert not drawing.drawn_among(order_N[-100:]).any()
    seen = []
    drawing.finish(lambda done, total: seen.append((done, total)))
    assert seen[-1] == (400, 400)
    assert drawing.drawn_among(order_N).all()


@pytest.mark.parametrize(
    ("options", "count"),
    [
        ("known=yes", 150),  # too few for worker processes
        ("version=1", 300),  # no texts before they are drawn
        ("known=x", 300),  # a text that the alphabet lacks: materialise counts and names such samples
    ],
)
def test_some_samples_have_to_be_drawn_first(start, options, count, cache):
    assert start(options, count) is None
    assert not cache.exists() or left_in(cache) == []


def test_samples_in_the_cache_are_not_drawn_again(start, draw):
    draw("known=yes", count=400)
    assert start("known=yes", 300) is None


def test_closing_leaves_no_worker_and_no_draft(start, cache, tmp_path):
    log = tmp_path / "log"
    drawing = start(f"known=yes,delay=0.01,log={log}", 4000)
    drawing.wait_for(order_of(4000, 5, 0)[:2])
    pids = {int(line.split()[0]) for line in log.read_text().splitlines()}
    drawing.close()
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
    assert left_in(cache) == []


def test_a_text_that_differs_from_the_drawn_one_is_an_error(start):
    drawing = start("known=wrong")
    with pytest.raises(PluginError, match=r"mark 7 is drawn with the text '8'.* text_of returned '7'"):
        finish(drawing)


def test_a_bad_sample_of_a_source_that_promises_none_is_an_error(start, cache):
    drawing = start("known=yes,bad=70")
    with pytest.raises(PluginError, match=r"(?s)bad samples.*text_of.*mark \d+: \d+ is a multiple of 70"):
        finish(drawing)
    assert left_in(cache) == []


@pytest.mark.parametrize(
    ("fault", "message"),
    [("kill", "that drew some of its samples was killed by SIGKILL"), ("raise", "oh dear")],
)
def test_an_error_of_a_worker_is_raised_where_the_images_are_awaited(start, cache, fault, message):
    drawing = start(f"known=yes,fault={fault}", workers=2)
    with pytest.raises(CtcbenchError, match=message):
        for row in order_of(300, 5, 0):
            drawing.wait_for(np.array([row]))
    assert left_in(cache) == []


@pytest.mark.landing
def test_a_set_that_another_process_draws_meanwhile_is_used(start, draw, monkeypatch, plugins, cache):
    dataset = build_dataset(plugins, "marks:known=yes")
    notices = []
    real_open = background_drawing.BackgroundDrawing.open
    request = background_drawing.make_request(dataset, "train", 300, print)
    held = caching.locked(cache, request.key, print)
    held.__enter__()

    def open_after_the_other(drawing, texts, names):
        deadline = time.monotonic() + 20
        while drawing._notices.empty():  # until it waits for the lock
            assert time.monotonic() < deadline
            time.sleep(0.01)
        held.__exit__(None, None, None)
        real_open(drawing, texts, names)

    monkeypatch.setattr(background_drawing.BackgroundDrawing, "open", open_after_the_other)
    drawing = start(notice=notices.append)
    assert any("another process is drawing the same images" in notice for notice in notices)
    assert finish(drawing).fingerprint == draw("known=yes,version=2", count=300).fingerprint


def test_a_set_that_is_stored_when_the_drawing_begins_is_used(start, draw, monkeypatch):
    stored = draw("known=yes", count=300)
    # As if another process had stored it a moment ago.
    monkeypatch.setattr(background_drawing, "is_cached", lambda *_: False)
    started = []
    waiting = threading.Thread(target=lambda: started.append(start()), daemon=True)
    waiting.start()
    waiting.join(60)
    (drawing,) = started
    drawing.wait_for(np.arange(300))
    assert (drawing.samples.images_NCHW == stored.images_NCHW).all()
    assert finish(drawing).fingerprint == stored.fingerprint


def test_a_drawing_that_waits_for_another_process_can_be_closed(start, plugins, cache, monkeypatch):
    dataset = build_dataset(plugins, "marks:known=yes")
    request = background_drawing.make_request(dataset, "train", 300, print)
    monkeypatch.setattr(background_drawing.BackgroundDrawing, "open", lambda *_: None)
    with caching.locked(cache, request.key, print):
        drawing = start()
        drawing.close()
    assert left_in(cache) == []


def test_workers_have_the_lowest_priority(start, tmp_path):
    log = tmp_path / "log"
    drawing = start(f"known=yes,delay=0.01,log={log}", 4000)
    drawing.wait_for(order_of(4000, 5, 0)[:1])
    pid = int(log.read_text().split()[0])
    assert os.getpriority(os.PRIO_PROCESS, pid) == 19
    os.kill(pid, signal.SIGKILL)
    with pytest.raises(CtcbenchError, match="the process that drew images 0 to 3999 was killed by SIGKILL"):
        finish(drawing)
