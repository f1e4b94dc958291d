"""A study that is killed or stopped at any moment resumes to bit-identical results."""

import functools
import json
import os
import signal
import sys
import time
from pathlib import Path

import pytest

from tests.study.study_cases import ablate, alive, children, ending, flags, plugin, start

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks for workers in /proc")
GRID = [
    *flags(backbone=["cnn3:width=4", "cnn2:width=4"], decoder=["greedy", "beam_cpp"], epochs=8),
    *("--checkpoint-seconds", "0"),
]


@pytest.fixture(scope="module")
def whole(tmp_path_factory, own_cache):
    out = tmp_path_factory.mktemp("whole")
    done = ablate(*GRID, "--out", out)
    assert done.returncode == 0, done.stderr
    found = ending(out)
    assert sum("results" in name for name in found) == 4
    return found


def wait_for(study, happened):
    """Wait until `happened` returns true, while the study runs."""
    deadline = time.monotonic() + 60
    while not happened():
        assert study.poll() is None, study.stderr.read()
        assert time.monotonic() < deadline
        time.sleep(0.002)


MOMENTS = {
    "a-worker-starts": lambda out, study: bool(children(study.pid)),
    "a-run-begins": lambda out, study: any(out.glob("*/config.toml")),
    "mid-training": lambda out, study: any(out.glob("*/checkpoint.safetensors")),
    "weights-are-there": lambda out, study: any(out.glob("*/weights.safetensors")),
    "trained": lambda out, study: any(out.glob("*/summary.json")),
    "a-result-is-there": lambda out, study: any(out.glob("*/results/*.json")),
}


@pytest.mark.parametrize(
    "moment",
    [
        # By default a stop by Ctrl-C and a killed worker are resumed; a killed run is in tests/pipeline.
        pytest.param("mid-training", marks=pytest.mark.landing),
        pytest.param("a-result-is-there", marks=pytest.mark.landing),
        *(
            pytest.param(moment, marks=pytest.mark.slow)
            for moment in ("a-worker-starts", "a-run-begins", "weights-are-there", "trained")
        ),
    ],
)
def test_a_study_killed_at_any_moment_ends_with_the_same_bits(tmp_path, whole, moment):
    study = start(*GRID, "--out", tmp_path)
    wait_for(study, lambda: MOMENTS[moment](tmp_path, study))
    workers = children(study.pid)
    study.kill()
    # Immediately, while the workers may still be running.
    done = ablate(*GRID, "--out", tmp_path)
    study.communicate()
    assert done.returncode == 0, done.stderr
    assert ending(tmp_path) == whole
    assert not any(map(alive, workers))


@pytest.mark.slow
def test_a_study_killed_several_times_ends_with_the_same_bits(tmp_path, whole):
    for moment in ("mid-training", "weights-are-there", "trained"):
        study = start(*GRID, "--out", tmp_path)
        wait_for(study, functools.partial(MOMENTS[moment], tmp_path, study))
        time.sleep(0.3)
        study.kill()
        study.communicate()
    assert ablate(*GRID, "--out", tmp_path).returncode == 0
    assert ending(tmp_path) == whole


@pytest.mark.parametrize("number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)])
def test_ctrl_c_saves_and_prints_the_command_to_resume(tmp_path, whole, number):
    study = start(*GRID, "--out", tmp_path)
    wait_for(study, lambda: MOMENTS["mid-training"](tmp_path, study))
    workers = children(study.pid)
    os.kill(study.pid, number)
    _, printed = study.communicate(timeout=60)
    assert study.returncode == 130, printed
    last = printed.strip().splitlines()[-1]
    assert "stopped with" in last
    assert f"resume with: ctcbench ablate {GRID[0]}" in last
    assert not any(map(alive, workers))
    recorded = [read(path)["state"] for path in tmp_path.glob("studies/*/trials/*.json")]
    assert set(recorded) <= {"done"}  # a stopped trial is not recorded as a failure
    assert f"stopped with {len(recorded)} of 2 models done" in last
    done = ablate(*GRID, "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    assert ending(tmp_path) == whole


STUBBORN = """
    import os, signal, time
    from ctcbench import backbone, hookimpl

    @backbone
    def stubborn(image):
        \"\"\"A backbone that takes forever to be built, and ignores interrupts.\"\"\"
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        open(os.environ["STUBBORN"], "w").close()
        time.sleep(600)

    @hookimpl
    def ctcbench_components():
        return [stubborn]
"""


def test_a_second_ctrl_c_ends_the_workers_at_once(tmp_path, monkeypatch):
    monkeypatch.setenv("STUBBORN", str(tmp_path / "begun"))
    monkeypatch.setenv("PYTHONPATH", str(plugin(tmp_path / "site", "stubbornly", STUBBORN)))
    study = start(
        *flags(backbone="stubborn"), "--seeds", "2", "--out", tmp_path, "--executor", "local:workers=2"
    )
    wait_for(study, (tmp_path / "begun").exists)
    workers = children(study.pid)
    assert len(workers) == 2
    os.kill(study.pid, signal.SIGINT)
    while "once more to stop at once" not in study.stderr.readline():
        assert study.poll() is None
    time.sleep(1.0)
    assert study.poll() is None  # it waits until the workers have saved
    os.kill(study.pid, signal.SIGINT)
    _, printed = study.communicate(timeout=60)
    assert study.returncode == 130, printed
    last = printed.strip().splitlines()[-1]
    assert "stopped at once" in last and "resume with: ctcbench ablate" in last
    assert "Traceback" not in printed
    assert not any(map(alive, workers))
    assert not list(tmp_path.glob("studies/*/trials/*.json"))  # nothing failed


@pytest.mark.landing
def test_a_worker_that_is_stopped_by_itself_leaves_the_study_unfinished(tmp_path, whole):
    study = start(*GRID, "--out", tmp_path, "--executor", "local:workers=1,threads=1")
    wait_for(study, lambda: MOMENTS["mid-training"](tmp_path, study))
    os.kill(children(study.pid)[0], signal.SIGTERM)
    printed, noticed = study.communicate(timeout=60)
    assert study.returncode == 1, noticed
    assert "stopped, state saved" in noticed
    assert "1 model stopped, state saved; resume with: ctcbench ablate" in " ".join(printed.split())
    assert "--retry-failed" not in printed
    assert [read(path)["state"] for path in tmp_path.glob("studies/*/trials/*.json")] == ["done"]
    done = ablate(*GRID, "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    assert ending(tmp_path) == whole


def test_a_killed_worker_is_a_failure_and_the_other_trials_run(tmp_path, whole):
    study = start(*GRID, "--out", tmp_path, "--executor", "local:workers=1,threads=1")
    wait_for(study, lambda: MOMENTS["mid-training"](tmp_path, study))
    os.kill(children(study.pid)[0], signal.SIGKILL)
    printed = "\n".join(study.communicate(timeout=60))
    assert study.returncode == 1
    assert "its worker was killed by SIGKILL (out of memory?)" in " ".join(printed.split())
    [record] = [d for d in map(read, tmp_path.glob("studies/*/trials/*.json")) if d["state"] == "failed"]
    assert "SIGKILL" in record["error"]
    assert sum("results" in name for name in ending(tmp_path)) == 2
    before = ending(tmp_path)
    again = ablate(*GRID, "--out", tmp_path)
    assert again.returncode == 1
    assert "1 failed earlier (--retry-failed runs them again)" in again.stderr
    assert "killed by SIGKILL" in " ".join(again.stdout.split())
    assert ending(tmp_path) == before
    retried = ablate(*GRID, "--out", tmp_path, "--retry-failed")
    assert retried.returncode == 0, retried.stderr
    assert ending(tmp_path) == whole


def read(path: Path):
    return json.loads(path.read_text())
