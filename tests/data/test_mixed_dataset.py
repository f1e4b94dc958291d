"""Training samples of two data sets, drawn into one stored set.

Samples that repeat others share their image there. The oracle stores a copy of it for each of them, as if all
samples were different.
"""

from __future__ import annotations

import os
import re

import numpy as np
import pytest
from PIL import Image

from ctcbench.contract.errors import PluginError, UsageError
from ctcbench.contract.ragged_images import RaggedImages
from ctcbench.contract.repeated_images import RepeatedImages
from ctcbench.data import background_drawing
from ctcbench.data import materialise as module
from ctcbench.data.built_dataset import BuiltDataset, build_dataset
from ctcbench.data.materialise import materialise
from ctcbench.data.mixed_dataset import MixedDataset
from ctcbench.data.sample_order import order_of
from ctcbench.data.sample_request import make_request
from tests.builtin.picture_sets.picture_cases import png


@pytest.fixture
def pictures(tmp_path):
    """Return a folder of five training pictures of different grey levels, and two of each other split."""
    for split, count in [("train", 5), ("val", 2), ("test", 2)]:
        (tmp_path / "mine" / split).mkdir(parents=True)
        for index in range(count):
            (tmp_path / "mine" / split / f"{index}.png").write_bytes(png(100 + index, width=6, height=4))
    return tmp_path / "mine"


@pytest.fixture
def mixed(plugins, pictures):
    """Return ``mixed(options, share)``: the pictures and the data set `marks`, whose image i has level i."""

    def build(options="", share=0.5):
        main = build_dataset(plugins, f"folder:path={pictures},width=6,height=4")
        return MixedDataset.of(
            main, build_dataset(plugins, f"marks:{options}" if options else "marks"), share
        )

    return build


def draw(dataset, count=24, split="train", **more):
    return materialise(dataset, split, count, **{"workers": 1, "notice": lambda text: None, **more})


def copied(monkeypatch, dataset, *given, **more):
    """Return what `draw` returns, with a stored image for each sample."""
    with monkeypatch.context() as patch:
        patch.setattr(MixedDataset, "rows", BuiltDataset.rows)
        return draw(dataset, *given, **{**more, "workers": 1})  # other processes do not have the patch


def require_equal(samples, oracle):
    assert isinstance(samples.images_NCHW, RepeatedImages)
    assert not isinstance(oracle.images_NCHW, RepeatedImages)
    assert samples.images_NCHW.shape == oracle.images_NCHW.shape
    for ours, theirs in zip(samples.images_NCHW, oracle.images_NCHW, strict=True):
        assert np.array_equal(ours, theirs)
    assert samples.widths_N.dtype == oracle.widths_N.dtype
    assert samples.widths_N.tolist() == oracle.widths_N.tolist()
    for name in ("texts", "names", "fingerprint", "origin", "left_out", "rejected"):
        assert getattr(samples, name) == getattr(oracle, name)


def levels_of(samples):
    """Return the grey level of each image."""
    return np.array([image_CHW[0, 0, 0] for image_CHW in samples.images_NCHW])


def test_the_main_pictures_are_repeated_and_the_others_follow_each_other(mixed, cache):
    dataset = mixed(share=0.5)
    alone, samples = draw(dataset.parts[0], 5, cache=cache), draw(dataset, 24, cache=cache)
    own = alone.images_NCHW[:, 0, 0, 0].tolist()
    levels = levels_of(samples).tolist()
    assert sorted(own) == [100, 101, 102, 103, 104]
    assert levels[0::2] == own * 2 + own[:2]
    assert levels[1::2] == list(range(12))
    assert samples.texts[:4] == (alone.texts[0], "0", alone.texts[1], "1")
    assert samples.names[:2] == (alone.names[0], "mark 0")


def test_a_finite_extra_set_is_repeated_too(mixed, cache):
    levels = levels_of(draw(mixed("count=3", 0.75), 16, cache=cache))
    assert levels[levels < 100].tolist() == [0, 1, 2] * 4


@pytest.mark.parametrize(
    ("options", "share", "workers"), [("", 0.5, 1), ("count=3", 0.75, 1), ("count=4,bad=2", 0.4, 2)]
)
def test_repeated_samples_are_those_of_copies(mixed, pictures, cache, monkeypatch, options, share, workers):
    monkeypatch.setattr(module, "worth_workers", lambda request: True)
    (pictures / "train" / "2.png").write_bytes(b"")
    dataset, more = mixed(options, share), {"skip_bad": True, "workers": workers}
    samples = draw(dataset, 60, cache=cache, **more)
    require_equal(samples, copied(monkeypatch, dataset, 60, cache=cache.with_name("copies"), **more))
    # A set also serves requests for fewer samples, of which the images are the first.
    for count in (59, 23, 8):
        require_equal(
            draw(dataset, count, cache=cache, **more),
            copied(monkeypatch, dataset, count, cache=cache.with_name(f"copies {count}"), **more),
        )
    assert len(list(cache.glob("*/samples.json"))) == 1


@pytest.mark.parametrize("workers", [1, 2])
def test_pictures_of_colour_with_their_own_widths_are_those_of_copies(
    plugins, tmp_path, cache, monkeypatch, workers
):
    monkeypatch.setattr(module, "worth_workers", lambda request: True)
    chance, parts = np.random.default_rng(0), []
    for name, count in [("one", 9), ("other", 4)]:
        for number in range(count):
            path = tmp_path / name / "train" / f"{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            pixels = chance.integers(0, 256, (8, chance.integers(5, 30), 3), dtype=np.uint8)
            Image.fromarray(pixels).save(path)
        options = f"path={tmp_path / name},height=8,width=30,fit=keep,channels=3,alphabet=digits"
        parts.append(build_dataset(plugins, f"folder:{options}"))
    (tmp_path / "one" / "train" / "5.png").write_bytes(b"")
    dataset, more = MixedDataset.of(*parts, 0.3), {"skip_bad": True, "workers": workers}
    samples = draw(dataset, 70, cache=cache, **more)
    oracle = copied(monkeypatch, dataset, 70, cache=cache.with_name("copies"), **more)
    assert isinstance(oracle.images_NCHW, RaggedImages)
    require_equal(samples, oracle)
    assert samples.images_NCHW.nbytes * 3 < oracle.images_NCHW.nbytes
    part = draw(dataset, 30, cache=cache, **more)
    require_equal(part, copied(monkeypatch, dataset, 30, cache=cache.with_name("copies of 30"), **more))


def test_an_image_is_drawn_and_stored_once(plugins, cache, tmp_path):
    log = tmp_path / "log"
    parts = build_dataset(plugins, "marks:count=7"), build_dataset(plugins, f"marks:count=5,log={log}")
    samples = draw(MixedDataset.of(*parts, 0.5), 1000, cache=cache)
    assert len(log.read_text().splitlines()) == 5
    assert len(samples) == 1000
    assert samples.images_NCHW.nbytes == 12 * 4 * 6
    (stored,) = cache.glob("*/images.npy")
    assert stored.stat().st_size == 128 + samples.images_NCHW.nbytes


def test_a_set_with_copies_from_an_earlier_version_is_used(mixed, cache, monkeypatch):
    dataset = mixed("bad=6")
    more = {"skip_bad": True, "cache": cache}
    earlier = copied(monkeypatch, dataset, 40, **more)
    monkeypatch.setattr(module, "_fill", None)
    for count in (40, 25):
        found = draw(dataset, count, **more)
        assert not isinstance(found.images_NCHW, RepeatedImages)
        assert (found.images_NCHW == earlier.images_NCHW[: len(found)]).all()


def test_a_stored_set_serves_fewer_samples_and_each_share_has_its_own(mixed, cache):
    large = draw(mixed(share=0.8), 40, cache=cache)
    small = draw(mixed(share=0.8), 10, cache=cache)
    assert (small.images_NCHW[:] == large.images_NCHW[:10]).all()
    assert small.fingerprint == draw(mixed(share=0.8), 10, cache=cache.with_name("other")).fingerprint
    keys = {
        make_request(dataset, "train", 10, print).key
        for dataset in [mixed(share=0.8), mixed(share=0.5), mixed("version=2"), mixed(), mixed().parts[0]]
    }
    assert len(keys) == 4


def test_the_other_splits_are_the_stored_ones_of_the_main_set(mixed, cache):
    dataset = mixed()
    for split in ("val", "test"):
        alone, within = draw(dataset.parts[0], 2, split, cache=cache), draw(dataset, 2, split, cache=cache)
        assert (within.fingerprint, within.origin) == (alone.fingerprint, alone.origin)
        assert make_request(dataset, split, 2, print).dataset is dataset.parts[0]


def test_workers_draw_the_same_and_do_not_list_the_pictures_again(mixed, pictures, cache, monkeypatch):
    monkeypatch.setattr(module, "_FEW", 1)
    monkeypatch.setattr(module, "_SAMPLE_SECONDS", 100)
    dataset = mixed(share=0.4)
    alone = draw(dataset, 60, cache=cache)
    # The builder would read other labels; the workers do not call it.
    (pictures / "train" / "labels.csv").write_text("file,label\n0.png,9\n")
    shared = draw(dataset, 60, workers=2, cache=cache.with_name("other"))
    assert (shared.texts, shared.names, shared.fingerprint) == (alone.texts, alone.names, alone.fingerprint)


@pytest.mark.landing
def test_files_that_change_while_they_are_drawn_are_an_error(mixed, pictures, cache, monkeypatch):
    monkeypatch.setattr(module, "_FEW", 1)
    monkeypatch.setattr(module, "_SAMPLE_SECONDS", 100)

    def touch(done, total):
        os.utime(pictures / "train" / "1.png", ns=(1, 1))

    with pytest.raises(UsageError, match=r"dataset folder:\S+: files of train changed while"):
        draw(mixed(), 30, workers=2, cache=cache, progress=touch)


def test_a_bad_picture_that_is_repeated_is_listed_and_counted_once(mixed, pictures, cache):
    (pictures / "train" / "2.png").write_bytes(b"")
    with pytest.raises(UsageError, match=r"1 of 17 samples of 'train' can't be used") as raised:
        draw(mixed(), 24, cache=cache)
    assert str(raised.value).count("2.png: ") == 1
    notices = []
    samples = draw(mixed("bad=6"), 24, cache=cache, skip_bad=True, notice=notices.append)
    # Of the marks 0 to 11, two are bad, and five pictures are used twice or three times.
    first = samples.rejected[1]
    repeats = [n for n in (first, first + 10, first + 20) if n < 24]
    assert sorted([1, 13, *repeats]) == list(samples.rejected) and samples.left_out == 3
    assert notices[0].startswith("dataset ") and "3 of 17 samples of 'train' left out:" in notices[0]
    assert notices[0].count("\n") == 3
    assert samples.indices().tolist() == [n for n in range(24) if n not in samples.rejected]


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("shape", "dataset marks:fault=shape: the image of mark 150 is uint8"),
        ("pair", "dataset marks:fault=pair: drawing mark 150 returned tuple, not a ctcbench.Sample"),
        ("raise", "dataset marks:fault=raise: drawing mark 150 failed: ZeroDivisionError: oh dear"),
    ],
)
def test_an_error_names_the_data_set_that_is_at_fault(mixed, cache, fault, words):
    with pytest.raises(PluginError, match=rf"^ctcbench-marks \(marks\): {words}"):
        draw(mixed(f"fault={fault}", 0.9), 200, cache=cache)


@pytest.mark.landing
def test_an_error_in_a_worker_names_the_data_set_that_is_at_fault(mixed, cache, monkeypatch):
    monkeypatch.setattr(module, "_SAMPLE_SECONDS", 100)
    words = r"^ctcbench-marks \(marks\): dataset marks:fault=dtype: the image of"
    with pytest.raises(PluginError, match=words):
        draw(mixed("fault=dtype", 0.9), 240, workers=2, cache=cache)
    with pytest.raises(
        UsageError, match=r"dataset marks:fault=fingerprint: the fingerprint of train differs"
    ):
        draw(mixed("fault=fingerprint", 0.9), 240, workers=2, cache=cache)


def test_texts_are_known_without_drawing_if_both_sets_know_them(plugins, mixed):
    assert mixed("known=yes").source.text_of is None  # pictures can be bad
    one, other = (build_dataset(plugins, f"marks:known=yes,version={version}") for version in "12")
    source = MixedDataset.of(one, other, 0.75).source
    assert source.text_of is not None
    texts = [source.text_of("train", index) for index in range(12)]
    assert texts == [source.draw("train", index).text for index in range(12)]
    assert texts == ["0", "0", "1", "2", "3", "1", "4", "5", "6", "2", "7", "8"]


@pytest.mark.landing
@pytest.mark.parametrize("count", [None, 71])
def test_two_sets_are_drawn_while_a_training_runs(plugins, cache, monkeypatch, tmp_path, count):
    monkeypatch.setenv("CTCBENCH_CACHE", str(cache))
    log, limit = tmp_path / "log", f",count={count}" if count else ""
    one = build_dataset(plugins, "marks:known=yes,version=1")
    other = build_dataset(plugins, f"marks:known=yes,version=2,log={log}{limit}")
    dataset = MixedDataset.of(one, other, 0.25)
    before = copied(monkeypatch, dataset, 1000, cache=cache.with_name("before"))
    log.unlink()
    drawing = background_drawing.start_drawing(dataset, "train", 1000, seed=5, workers=2, notice=print)
    assert drawing is not None
    try:
        for start in range(0, 1000, 100):
            some_N = order_of(1000, 5, 0)[start : start + 100]
            drawing.wait_for(some_N)
            assert drawing.drawn_among(some_N).all()
            assert np.array_equal(drawing.samples.images_NCHW[some_N], before.images_NCHW[some_N])
        progress = []
        drawn = drawing.finish(lambda done, total: progress.append((done, total)))
    finally:
        drawing.close()
    assert progress[-1] == (750 + (count or 250),) * 2
    assert drawn.fingerprint == before.fingerprint
    assert np.array_equal(drawn.images_NCHW[:], before.images_NCHW)
    # A sample that is repeated was drawn once.
    assert len(log.read_text().splitlines()) == (count or 250)


@pytest.mark.parametrize(
    ("share", "count", "flag"),
    [(1e-300, 80, "--extra-dataset marks"), (1 - 1e-9, 80, "--dataset folder"), (0.5, 1, "--extra")],
)
def test_a_share_that_leaves_a_set_without_images_is_an_error(mixed, share, count, flag):
    dataset = mixed(share=share)
    with pytest.raises(
        UsageError, match=rf"--extra-share .*: none of {count} training images? would be of {flag}"
    ):
        dataset.require_both(count)
    for small in (1 / 80, 1 - 1 / 80):
        mixed(share=small).require_both(80)
    dataset.parts[0].require_both(1)


@pytest.mark.parametrize("count", [2, 3, 80, 999, 1000, 123_457])
def test_the_shares_that_the_error_names_are_possible(mixed, count):
    with pytest.raises(UsageError) as caught:
        mixed(share=1e-300).require_both(count)
    low, high = re.search(r"from (\S+) to (\S+),", str(caught.value)).groups()
    for share in (float(low), float(high)):
        mixed(share=share).require_both(count)


def test_the_numbers_of_both_sets_are_said(mixed):
    (sentence,) = mixed("count=3", 0.75).describe_mixture(1000)
    assert sentence.startswith("training images: 250 of folder:path=")
    assert " (5 different ones) and 750 of marks:count=3 (3 different ones)" in sentence
    assert "different" not in mixed(share=0.5).describe_mixture(10)[0]
