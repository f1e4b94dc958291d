"""A run that is killed or interrupted at any step and resumed ends with the same bits."""

import signal
from pathlib import Path

import pytest

from ctcbench.config.recipe import resolve
from ctcbench.config.run_config import RunConfig
from ctcbench.results.run_folder import RunFolder
from ctcbench.results.stored_results import find_results
from tests.pipeline.interrupted_runs import start
from tests.tiny_config import TINY

# 70 images in batches of 16: five steps an epoch, ten in all.
SETTINGS = {**TINY, "ema": 0.9, "schedule": "plateau", "blank_penalty": 1.0}


def ending(out: Path):
    """Return the parts of a run that must not depend on how often it was stopped."""
    (folder,) = [RunFolder(path) for path in out.iterdir()]
    metrics = [{k: v for k, v in r.items() if k != "seconds"} for r in folder.read_metrics()]
    (result,), problems = find_results(folder)
    assert not problems
    log_probs = folder.log_probs_path("test").read_bytes()
    return folder.weights_path.read_bytes(), log_probs, metrics, result.score


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory, own_cache):
    out = tmp_path_factory.mktemp("whole") / "runs"
    done = start(out.parent / "log", out, SETTINGS)
    assert done.returncode == 0, done.output
    return ending(out)


@pytest.mark.parametrize(
    ("at", "every"),
    [(3, 1e9), (7, 1e9), (7, 0.0), (5, 1e9), (10, 0.0)],
    ids=["before-any-checkpoint", "mid-epoch", "mid-epoch-with-checkpoint", "epoch-end", "last-step"],
)
def test_killed_and_resumed_ends_with_the_same_bits(tmp_path, uninterrupted, at, every):
    out, log = tmp_path / "runs", tmp_path / "log"
    killed = start(log, out, SETTINGS, number=signal.SIGKILL, at=at, every=every)
    assert killed.returncode == -signal.SIGKILL
    resumed = start(log, out, SETTINGS, resume=True, every=every)
    assert resumed.returncode == 0, resumed.output
    assert ending(out) == uninterrupted


def test_the_moments_of_adamw_are_resumed(tmp_path):
    adamw = {**SETTINGS, "optimizer": "adamw"}
    whole, stopped, log = tmp_path / "whole", tmp_path / "stopped", tmp_path / "log"
    assert start(log, whole, adamw).returncode == 0
    killed = start(log, stopped, adamw, number=signal.SIGKILL, at=7, every=0.0)
    assert killed.returncode == -signal.SIGKILL
    assert start(log, stopped, adamw, resume=True).returncode == 0
    assert ending(stopped) == ending(whole)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_finishes_the_step_saves_and_prints_how_to_resume(tmp_path, uninterrupted, number):
    out, log = tmp_path / "runs", tmp_path / "log"
    stopped = start(log, out, SETTINGS, number=number, at=7)
    assert stopped.returncode == 130, stopped.output
    assert "stopping after this step" in stopped.output
    assert "stopped after step 7 of 10" in stopped.output
    resumed = start(log, out, SETTINGS, resume=True)
    assert "after step 7 of 10" in resumed.output
    assert ending(out) == uninterrupted


def test_a_damaged_checkpoint_is_named(tmp_path, registry):
    out, log = tmp_path / "runs", tmp_path / "log"
    start(log, out, SETTINGS, number=signal.SIGKILL, at=7)
    path = RunFolder(out / resolve(registry, RunConfig(**SETTINGS)).train_key).checkpoint_path
    path.write_bytes(path.read_bytes()[:-100])
    resumed = start(log, out, SETTINGS, resume=True)
    assert resumed.returncode == 1
    assert f"{path}: damaged or cut off" in resumed.output
