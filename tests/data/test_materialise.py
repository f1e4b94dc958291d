"""materialise(): the samples, the cache, and the errors for samples that can't be used."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ctcbench.contract.errors import UsageError
from ctcbench.data.built_dataset import build_dataset
from ctcbench.data.materialise import worth_workers
from ctcbench.data.sample_request import make_request
from tests.tiny_config import TINY


def drawn(log: Path) -> list[int]:
    return [int(line.split()[1]) for line in log.read_text().splitlines()] if log.exists() else []


@pytest.mark.parametrize(("count", "workers"), [(10, 2), (500, 1), (501, 3)])
def test_samples_are_those_of_the_source_in_order(draw, count, workers):
    samples = draw(count=count, workers=workers)
    assert samples.images_NCHW.shape == (count, 1, 4, 6)
    assert samples.images_NCHW.dtype == np.uint8
    assert isinstance(samples.images_NCHW, np.memmap)
    assert (samples.images_NCHW[:, 0, 0, 0] == np.arange(count) % 251).all()
    assert (samples.images_NCHW == samples.images_NCHW[:, :, :1, :1]).all()
    assert samples.texts == tuple(map(str, range(count)))
    assert samples.names == tuple(f"mark {i}" for i in range(count))
    assert (samples.widths_N == 1 + np.arange(count) % 6).all()
    assert samples.widths_N.dtype == np.int32


def test_few_samples_of_a_set_that_is_slow_to_build_are_drawn_without_workers(registry):
    dataset = build_dataset(registry, TINY["dataset"])
    assert dataset.build_seconds > 0
    quick, slow = (replace(dataset, build_seconds=seconds) for seconds in (0.1, 20.0))
    for built, count, workers in [(quick, 100, False), (quick, 320, True), (slow, 320, False)]:
        assert worth_workers(make_request(built, "train", count, print)) == workers
    assert worth_workers(make_request(slow, "train", 100_000, print))


def test_the_fingerprint_depends_on_the_samples_alone(draw):
    by_one, by_two = draw(count=500, workers=1), draw("version=2", count=500, workers=2)
    assert by_one.fingerprint == by_two.fingerprint
    assert draw(count=499).fingerprint != by_one.fingerprint


def test_a_set_is_drawn_once(draw, tmp_path):
    log = tmp_path / "log"
    first = draw(f"log={log}", count=300)
    assert sorted(drawn(log)) == list(range(300))
    second = draw(f"log={log}", count=300)
    assert len(drawn(log)) == 300
    assert first.fingerprint == second.fingerprint
    assert (first.images_NCHW == second.images_NCHW).all()


def test_a_larger_set_serves_a_smaller_request(draw, tmp_path):
    log = tmp_path / "log"
    draw(f"log={log},bad=7", count=300, skip_bad=True, notice=lambda text: None)
    smaller = draw(f"log={log},bad=7", count=100, skip_bad=True, notice=lambda text: None)
    assert len(drawn(log)) == 300
    afresh = draw("bad=7,version=2", count=100, skip_bad=True, notice=lambda text: None)
    assert smaller.fingerprint == afresh.fingerprint
    assert smaller.texts == afresh.texts
    assert (smaller.images_NCHW == afresh.images_NCHW).all()
    assert (smaller.widths_N == afresh.widths_N).all()


def test_a_larger_set_replaces_a_smaller_one_which_stays_mapped(draw, cache):
    small = draw(count=300)
    others = draw("version=2", count=300)
    large = draw(count=400)
    sets = sorted(path.name.partition("-")[2] for path in cache.glob("*-*"))
    assert sets == ["300", "400"]  # of version 2, and of version 1
    assert (small.images_NCHW == large.images_NCHW[:300]).all()
    assert draw(count=300).fingerprint == small.fingerprint
    assert draw("version=2", count=300).fingerprint == others.fingerprint


def test_splits_and_versions_are_stored_apart(draw, tmp_path):
    log = tmp_path / "log"
    for options, split in [("", "train"), ("", "test"), ("version=2", "train")]:
        draw(f"log={log}" + (f",{options}" if options else ""), split=split)
    assert len(drawn(log)) == 30


def test_progress_counts_up_to_the_total(draw):
    seen: list[tuple[int, int]] = []
    draw("delay=0.002", count=400, workers=2, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (400, 400)
    assert len(seen) > 2
    assert seen == sorted(seen)


def test_all_samples_of_a_finite_set_are_used(draw):
    assert len(draw("count=30", count=None)) == 30
    notices: list[str] = []
    assert len(draw("count=30", count=50, notice=notices.append)) == 30
    assert notices == ["train: all 30 samples are used (train_samples is 50)"]


@pytest.mark.parametrize(("options", "count", "message"), [("", None, "endless"), ("", 0, "at least 1")])
def test_a_missing_or_zero_count_is_an_error(draw, options, count, message):
    with pytest.raises(UsageError, match=message):
        draw(options, count=count)


@pytest.mark.parametrize("count", [100, 400])
def test_bad_samples_are_all_reported_in_one_error(draw, cache, count):
    with pytest.raises(UsageError) as caught:
        draw("bad=5", count=count, workers=2)
    text = str(caught.value)
    assert f"{count // 5} of {count} samples of 'train' can't be used" in text
    assert "mark 45: 45 is a multiple of 5" in text
    assert "mark 50" not in text
    assert f"and {count // 5 - 10} more" in text
    assert "--skip-bad" in text
    assert [path.name for path in cache.iterdir()] == ["locks"]


@pytest.mark.parametrize("count", [100, 400])
def test_skip_bad_leaves_them_out(draw, tmp_path, count):
    log = tmp_path / "log"
    for _ in range(2):  # drawn, and from the cache
        notices: list[str] = []
        samples = draw(f"bad=5,log={log}", count=count, workers=2, skip_bad=True, notice=notices.append)
        good = [i for i in range(count) if i % 5]
        assert samples.texts == tuple(map(str, good))
        assert (samples.images_NCHW[:, 0, 0, 0] == np.array(good) % 251).all()
        assert f"{count // 5} of {count} samples of 'train' left out" in notices[0]
    assert len(drawn(log)) == count
    with pytest.raises(UsageError, match="can't be used"):  # drawn again: the files may have changed
        draw(f"bad=5,log={log}", count=count)
    assert len(drawn(log)) == 2 * count


def test_a_set_of_bad_samples_only_is_an_error(draw):
    with pytest.raises(UsageError, match="no valid sample"):
        draw("bad=1", skip_bad=True, notice=lambda text: None)


def test_notices_are_warnings_by_default(draw):
    with pytest.warns(UserWarning, match="left out"):
        draw("bad=5", skip_bad=True)


def test_a_set_of_an_earlier_version_without_foreign_texts_is_drawn_again(draw, cache, tmp_path):
    log = tmp_path / "log"
    options = f"log={log},bad=4"
    with pytest.warns(UserWarning, match="3 of 10 samples"):
        draw(options, split="val", skip_bad=True)
    (stored,) = cache.glob("*/samples.json")
    document = json.loads(stored.read_text())
    document["bad"][0][2] = "its text 'x' has 'x', which the alphabet lacks"
    stored.write_text(json.dumps(document))
    for times in (2, 2):  # the first draws it again, and the second finds it
        with pytest.warns(UserWarning, match="3 of 10 samples"):
            draw(options, split="val", skip_bad=True)
        assert len(drawn(log)) == 10 * times
