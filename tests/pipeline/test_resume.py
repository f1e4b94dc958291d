"""A stop is a pause: killed or interrupted anywhere, a resumed run ends with the same bits."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ctcbench.config.recipe import resolve
from ctcbench.config.run_config import RunConfig
from ctcbench.results.run_folder import RunFolder
from tests.tiny_config import TINY

# 70 images in batches of 16: five steps an epoch, ten in all.
SETTINGS = {**TINY, "ema": 0.9, "schedule": "plateau", "blank_penalty": 1.0}

SCRIPT = """
import json, os, signal, sys
from pathlib import Path
import ctcbench
from ctcbench.processes.signals import Interrupted
from ctcbench.training.runtime import Runtime
from ctcbench.training import loop
from ctcbench.training.progress_events import ProgressListener

out, mode = sys.argv[1:3]
number, at, every = int(sys.argv[3]), int(sys.argv[4]), float(sys.argv[5])
loop.PROGRESS_SECONDS = -1

class Killer(ProgressListener):
    def training_advanced(self, progress):
        if progress.step == at and mode == "begin" and number:
            os.kill(os.getpid(), number)
    def notice(self, text):
        print("notice:", text)

runtime = Runtime(Path(out), resume=mode == "resume", checkpoint_seconds=every, listener=Killer())
try:
    ctcbench.run(ctcbench.RunConfig(**json.load(sys.stdin)), runtime)
except Interrupted as error:
    print("interrupted:", error)
    sys.exit(130)
"""


def start(out, mode, number=0, at=0, every=1e9, settings=SETTINGS):
    command = [sys.executable, "-c", SCRIPT, str(out), mode, str(int(number)), str(at), str(every)]
    return subprocess.run(command, input=json.dumps(settings), capture_output=True, text=True, timeout=120)


def ending(out: Path):
    """Everything of a run that must not depend on how often it was stopped."""
    (folder,) = [RunFolder(path) for path in out.iterdir()]
    metrics = [{k: v for k, v in r.items() if k != "seconds"} for r in folder.read_metrics()]
    (result,), problems = folder.results()
    assert not problems
    log_probs = folder.log_probs_path("test").read_bytes()
    return folder.weights_path.read_bytes(), log_probs, metrics, result.score


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory, own_cache):
    out = tmp_path_factory.mktemp("whole")
    done = start(out, "begin")
    assert done.returncode == 0, done.stderr
    return ending(out)


@pytest.mark.parametrize(
    ("at", "every"),
    [(3, 1e9), (7, 1e9), (7, 0.0), (5, 1e9), (10, 0.0)],
    ids=["before-any-checkpoint", "mid-epoch", "mid-epoch-with-checkpoint", "epoch-end", "last-step"],
)
def test_killed_and_resumed_ends_with_the_same_bits(tmp_path, uninterrupted, at, every):
    killed = start(tmp_path, "begin", signal.SIGKILL, at, every)
    assert killed.returncode == -signal.SIGKILL
    resumed = start(tmp_path, "resume", every=every)
    assert resumed.returncode == 0, resumed.stderr
    assert ending(tmp_path) == uninterrupted


def test_adamws_moments_are_gone_on_with(tmp_path):
    adamw = {**SETTINGS, "optimizer": "adamw"}
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    assert start(whole, "begin", settings=adamw).returncode == 0
    assert start(stopped, "begin", signal.SIGKILL, 7, 0.0, settings=adamw).returncode == -signal.SIGKILL
    assert start(stopped, "resume", settings=adamw).returncode == 0
    assert ending(stopped) == ending(whole)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_finishes_the_step_saves_and_says_how_to_go_on(tmp_path, uninterrupted, number):
    stopped = start(tmp_path, "begin", number, 7)
    assert stopped.returncode == 130, stopped.stderr
    assert "stopping after this step" in stopped.stdout
    assert "stopped after step 7 of 10" in stopped.stdout
    resumed = start(tmp_path, "resume")
    assert "resumed after step 7 of 10" in resumed.stdout
    assert ending(tmp_path) == uninterrupted


def test_a_damaged_checkpoint_is_named(tmp_path, registry):
    start(tmp_path, "begin", signal.SIGKILL, 7)
    key = resolve(registry, RunConfig(**SETTINGS)).train_key
    path = RunFolder(tmp_path / key).checkpoint_path
    path.write_bytes(path.read_bytes()[:-100])
    resumed = start(tmp_path, "resume")
    assert resumed.returncode == 1
    assert f"{path}: damaged or cut off" in resumed.stderr
