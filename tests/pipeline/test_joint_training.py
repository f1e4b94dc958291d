"""Trainings that take turns in one process: their results are those of separate trainings."""

import contextlib
import gc
import math
import signal
import weakref
from dataclasses import replace

import pytest

from ctcbench.config.recipe import resolve
from ctcbench.contract.errors import UsageError
from ctcbench.files.locks import Busy
from ctcbench.pipeline import runner
from ctcbench.pipeline.joint_training import _Member, train_together
from ctcbench.processes.signals import Interrupted
from ctcbench.results.run_folder import RunFolder
from ctcbench.training import loop, split, step
from ctcbench.training.monitor import TrainingDiverged
from ctcbench.training.runtime import Runtime
from tests.pipeline.run_cases import Listener
from tests.tiny_config import tiny

SEEDS = (0, 1, 5)
# Every part that draws random numbers or has a state of its own.
SETTINGS = {"augmentation": "distort", "ema": 0.9, "schedule": "plateau", "blank_penalty": 1.0}


def recipes(registry, **settings):
    return [resolve(registry, tiny(seed=seed, **{**SETTINGS, **settings})) for seed in SEEDS]


def ending(folder):
    """Return what must not depend on how a run was trained."""
    metrics = [{k: v for k, v in row.items() if k != "seconds"} for row in folder.read_metrics()]
    return folder.weights_path.read_bytes(), metrics, folder.read_summary()["data"]


def train(recipes, runtimes):
    """Train together; return the errors, None where there is none, in the order of the recipes."""
    errors = {}
    train_together(recipes, runtimes, errors.__setitem__)
    assert sorted(errors) == list(range(len(recipes)))
    return [errors[index] for index in range(len(recipes))]


def folders(out, recipes):
    return [RunFolder(out / recipe.train_key) for recipe in recipes]


@pytest.fixture(scope="module")
def separate(registry, own_cache, tmp_path_factory):
    out = tmp_path_factory.mktemp("separate")
    for recipe in recipes(registry):
        runner.run(recipe, Runtime(out))
    return [ending(folder) for folder in folders(out, recipes(registry))]


def test_the_results_are_those_of_separate_trainings(registry, tmp_path, separate, monkeypatch):
    made, order = [], []
    real_split, real_step = split.make_split, step.train_step
    monkeypatch.setattr(
        split, "make_split", lambda *given, **more: made.append(given) or real_split(*given, **more)
    )

    def recorded(state, batch, config):
        order.append((config.seed, state.step))
        return real_step(state, batch, config)

    monkeypatch.setattr(loop, "train_step", recorded)
    given = recipes(registry)
    assert train(given, [Runtime(tmp_path)] * 3) == [None] * 3
    assert [ending(folder) for folder in folders(tmp_path, given)] == separate
    # One step of each in turn, on images that exist once.
    assert order == [(seed, number) for number in range(10) for seed in SEEDS]
    assert len(made) == 2
    for folder in folders(tmp_path, given):
        assert folder.read_summary()["training"]["together"] == 3
    # Finished runs are left alone.
    assert train(given, [replace(Runtime(tmp_path), resume=True)] * 3) == [None] * 3
    assert len(order) == 30


def test_a_training_that_fails_ends_alone(registry, tmp_path, separate, monkeypatch):
    def spoiled(state, batch, config):
        metrics = step.train_step(state, batch, config)
        bad = config.seed == SEEDS[1] and state.step == 7
        return replace(metrics, loss=metrics.loss * (math.nan if bad else 1))

    monkeypatch.setattr(loop, "train_step", spoiled)
    given = recipes(registry)
    first, second, third = train(given, [Runtime(tmp_path)] * 3)
    assert first is third is None
    assert isinstance(second, TrainingDiverged) and "at step 7" in str(second)
    stored = folders(tmp_path, given)
    assert [ending(stored[index]) for index in (0, 2)] == [separate[index] for index in (0, 2)]
    assert not stored[1].is_finished and stored[1].has(stored[1].checkpoint_path)
    with stored[1].lock():  # which is free again
        pass


def test_what_a_failed_step_allocated_is_freed_at_once():
    class Weights:
        pass

    def steps():
        weights = Weights()
        alive.append(weakref.ref(weights))
        yield
        raise MemoryError

    alive, ended = [], []
    member = _Member(0, steps(), contextlib.nullcontext(), lambda index, error: ended.append(repr(error)))
    gc.disable()
    try:
        member.advance(None)
        assert alive[0]() is not None
        member.advance(None)
        assert alive[0]() is None
    finally:
        gc.enable()
    assert ended == ["MemoryError()"]


@pytest.mark.parametrize("at", [7, 10])
def test_trainings_that_a_signal_stops_are_resumed_to_the_same_bits(
    registry, tmp_path, separate, monkeypatch, at
):
    """Also where one of them has just ended."""

    def interrupted(state, batch, config):
        if state.step + 1 == at and config.seed == SEEDS[1]:
            signal.raise_signal(signal.SIGINT)
        return step.train_step(state, batch, config)

    monkeypatch.setattr(loop, "train_step", interrupted)
    given, listener = recipes(registry), Listener()
    errors = train(given, [Runtime(tmp_path, listener=listener)] * 3)
    monkeypatch.undo()
    stopped = [error for error in errors if error is not None]
    assert len(stopped) == (2 if at == 10 else 3)
    assert all(isinstance(error, Interrupted) for error in stopped)
    assert listener.notices == ["stopping after this step; once more to stop at once"]
    assert train(given, [Runtime(tmp_path, resume=True)] * 3) == [None] * 3
    assert [ending(folder) for folder in folders(tmp_path, given)] == separate


def test_one_training_can_be_stopped_alone(registry, tmp_path, separate):
    given = recipes(registry)
    steps = Listener()
    alone = replace(Runtime(tmp_path), stopping=lambda: True)
    first, second, third = train(given, [Runtime(tmp_path), alone, Runtime(tmp_path, listener=steps)])
    assert first is third is None
    assert isinstance(second, Interrupted) and "stopped after step 1 of 10" in str(second)
    assert steps.notices == []
    # Resumed beside one that is trained and one that is new, at different steps.
    folders(tmp_path, given)[2].clear()
    runtimes = [Runtime(tmp_path, resume=index < 2) for index in range(3)]
    assert train(given, runtimes) == [None] * 3
    assert [ending(folder) for folder in folders(tmp_path, given)] == separate


def test_a_run_folder_that_cannot_be_opened_concerns_one_training_only(registry, tmp_path, separate):
    given = recipes(registry)
    first, second, _ = folders(tmp_path, given)
    with second.lock():
        busy = train(given, [Runtime(tmp_path / "other", resume=True), Runtime(tmp_path), Runtime(tmp_path)])
    assert isinstance(busy[0], UsageError) and "--resume" in str(busy[0])
    assert isinstance(busy[1], Busy) and busy[2] is None
    assert not (tmp_path / "other").exists()
    assert ending(folders(tmp_path, given)[2]) == separate[2]
    assert not first.path.exists()


def test_a_device_that_does_not_exist_is_the_error_of_each(registry, tmp_path):
    errors = train(recipes(registry, device="cuda:7"), [Runtime(tmp_path)] * 3)
    assert [str(error).partition(":")[0] for error in errors] == ["--device cuda"] * 3
    assert not list(tmp_path.iterdir())


def test_an_interrupt_before_the_first_step_releases_every_folder(registry, tmp_path, monkeypatch):
    def interrupted(self):
        raise KeyboardInterrupt

    given = recipes(registry)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(loop.Trainer, "restore", interrupted)
        train_together(given, [Runtime(tmp_path / "runs")] * 3, lambda index, error: None)
    assert not (tmp_path / "runs").exists()
