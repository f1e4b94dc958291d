"""Runs whose training images are drawn while the training runs."""

import sys

import pytest

from ctcbench.config.recipe import resolve
from ctcbench.contract.errors import UsageError
from ctcbench.pipeline import run_context, runner
from ctcbench.processes.signals import Interrupted
from ctcbench.results.run_folder import RunFolder
from ctcbench.training.runtime import Runtime
from tests.pipeline.run_cases import Listener, interrupt_at
from tests.tiny_config import tiny

# So many that they are drawn by worker processes.
SETTINGS = {"train_samples": 260, "batch_size": 64, "epochs": 2, "seed": 4}


@pytest.fixture
def caches(tmp_path, monkeypatch):
    """Return a function that gives the runs that follow an empty cache."""

    def start_empty(name):
        monkeypatch.setenv("CTCBENCH_CACHE", str(tmp_path / f"cache {name}"))
        return tmp_path / f"cache {name}"

    return start_empty


@pytest.fixture
def drawings(monkeypatch):
    """The drawings that runs have started."""
    started = []
    real = run_context.start_drawing

    def start(*arguments, **more):
        started.append(real(*arguments, **more))
        return started[-1]

    monkeypatch.setattr(run_context, "start_drawing", start)
    return started


@pytest.fixture(scope="module")
def before(registry, tmp_path_factory):
    """The same run with images that were drawn before."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CTCBENCH_CACHE", str(tmp_path_factory.mktemp("before")))
        return runner.run(resolve(registry, tiny(**SETTINGS)), Runtime(tmp_path_factory.mktemp("out")))


def weights(result):
    return RunFolder(result.folder).weights_path.read_bytes()


def test_the_weights_are_those_of_images_that_were_drawn_before(registry, tmp_path, caches, drawings, before):
    cache = caches("overlap")
    result = runner.run(resolve(registry, tiny(**SETTINGS)), Runtime(tmp_path, workers=1, overlap=True))
    assert drawings[0] is not None
    assert weights(result) == weights(before)
    folders = [RunFolder(run.folder) for run in (result, before)]
    assert folders[0].read_summary()["data"] == folders[1].read_summary()["data"]
    assert len([path for path in cache.iterdir() if path.name.endswith("-260")]) == 1
    # The next run finds the images in the cache, and this one is not started again.
    listener = Listener()
    runner.run(
        resolve(registry, tiny(**SETTINGS)), Runtime(tmp_path, workers=1, overlap=True, listener=listener)
    )
    assert "trained already" in listener.notices[-1]
    runner.run(resolve(registry, tiny(**SETTINGS | {"seed": 5})), Runtime(tmp_path, workers=1, overlap=True))
    assert drawings[1:] == [None]


@pytest.mark.parametrize(
    "known",
    [False, pytest.param(True, marks=pytest.mark.landing)],
    ids=["drawn again", "drawn by another run"],
)
def test_a_run_that_was_stopped_during_the_drawing_is_resumed(
    registry, tmp_path, caches, drawings, before, monkeypatch, known
):
    caches("stopped")
    config = tiny(**SETTINGS)
    # The drawing ends after the training has stopped.
    with monkeypatch.context() as patch:
        patch.setattr(run_context.BackgroundDrawing, "finish", lambda *_: pytest.fail("not reached"))
        interrupt_at(patch, 3)
        with pytest.raises(Interrupted):
            runner.run(resolve(registry, config), Runtime(tmp_path, workers=1, overlap=True))
    if known:
        runner.run(
            resolve(registry, config.replace(seed=9)), Runtime(tmp_path / "other", workers=1, overlap=False)
        )
    result = runner.run(resolve(registry, config), Runtime(tmp_path, resume=True, workers=1, overlap=True))
    # A resumed run draws first, because its step is in the middle of the order.
    assert len(drawings) == 1
    assert weights(result) == weights(before)


@pytest.mark.landing
def test_other_images_than_those_of_a_stopped_drawing_are_refused(registry, tmp_path, caches, monkeypatch):
    caches("stopped")
    config = tiny(**SETTINGS)
    with monkeypatch.context() as patch:
        interrupt_at(patch, 3)
        with pytest.raises(Interrupted):
            runner.run(resolve(registry, config), Runtime(tmp_path, workers=1, overlap=True))
    monkeypatch.setattr(sys.modules["ctcbench.builtin.captcha"], "_VERSION", 2)
    monkeypatch.setattr("sys.executable", "")  # workers would have the first version
    with pytest.raises(UsageError, match="its train images are not those that this run started with"):
        runner.run(resolve(registry, config), Runtime(tmp_path, resume=True))


@pytest.mark.landing
def test_a_training_of_fewer_steps_than_an_epoch_waits_for_the_rest_of_the_drawing(
    registry, tmp_path, caches, drawings
):
    cache = caches("few")
    config = tiny(**{**SETTINGS, "max_steps": 2})
    result = runner.run(resolve(registry, config), Runtime(tmp_path, workers=1, overlap=True))
    assert drawings[0] is not None
    assert RunFolder(result.folder).read_summary()["data"]["images"]["train"] == 260
    assert [path.name for path in cache.iterdir() if path.name.endswith("-260")]


@pytest.mark.landing
def test_texts_that_are_too_long_are_left_out_of_a_training_that_overlaps(
    registry, tmp_path, caches, drawings
):
    settings = {
        **SETTINGS, "dataset": "captcha:width=60,height=24,length=2-14,alphabet=digits", "skip_bad": True
    }  # fmt: skip
    caches("overlap")
    result = runner.run(resolve(registry, tiny(**settings)), Runtime(tmp_path / "a", workers=1, overlap=True))
    assert drawings[0] is not None
    caches("before")
    other = runner.run(resolve(registry, tiny(**settings)), Runtime(tmp_path / "b", workers=1, overlap=False))
    data = RunFolder(result.folder).read_summary()["data"]
    assert 0 < data["left_out"]["train"] < 260
    assert weights(result) == weights(other)


@pytest.mark.landing
def test_time_spent_waiting_for_images_is_no_training_time(registry, tmp_path, caches, monkeypatch):
    from ctcbench.data.background_drawing import BackgroundDrawing

    caches("slow")
    clock = [0.0]

    def tick():
        clock[0] += 0.001
        return clock[0]

    monkeypatch.setattr("ctcbench.training.loop.time.perf_counter", tick)
    real = BackgroundDrawing.wait_for

    def wait_for(drawing, rows_N):
        clock[0] += 1000.0
        real(drawing, rows_N)

    monkeypatch.setattr(BackgroundDrawing, "wait_for", wait_for)
    result = runner.run(resolve(registry, tiny(**SETTINGS)), Runtime(tmp_path, workers=1, overlap=True))
    assert clock[0] >= 5000.0
    assert RunFolder(result.folder).read_summary()["train_seconds"] < 1.0


def test_on_a_cpu_images_are_drawn_before_the_training(registry, tmp_path, caches, drawings):
    caches("default")
    runner.run(resolve(registry, tiny(**{**SETTINGS, "max_steps": 1})), Runtime(tmp_path))
    assert drawings == []
