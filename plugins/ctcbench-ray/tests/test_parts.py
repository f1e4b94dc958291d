"""The parts that need no cluster: files of run folders, versions, a trial's process."""

import os
import signal
import sys
import time
import types
from pathlib import Path

import pytest
from ctcbench_ray import node_folders, run_files
from ctcbench_ray.trial_actor import SupervisedTrial, trial_environment
from ctcbench_ray.versions import installed_versions, version_differences

from ctcbench import CtcbenchError, UsageError
from ctcbench.files.plain_folder import PlainFolder

ORDER = (
    "config.toml", "metrics.jsonl", "recognizer.json", "weights.safetensors", "checkpoint.safetensors",
    "summary.json", "log_probs/test.safetensors", "predictions/greedy.json", "results/greedy.json",
)  # fmt: skip


def test_all_files_but_hidden_ones_are_copied(tmp_path):
    here, there = tmp_path / "here", tmp_path / "there"
    for number, name in enumerate(
        [*ORDER, "tensorboard/greedy/events.out.1", ".lock", "log_probs/.test.tmp"]
    ):
        (here / name).parent.mkdir(parents=True, exist_ok=True)
        (here / name).write_bytes(bytes([number]))
    files, read = run_files.read_changed(here, {})
    assert set(files) == set(read) == {*ORDER, "tensorboard/greedy/events.out.1"}
    run_files.write(there, files)
    assert {name: (there / name).read_bytes() for name in files} == files
    assert run_files.read_changed(here, read) == ({}, {})
    time.sleep(0.01)
    (here / "metrics.jsonl").write_bytes(b"more")
    assert run_files.read_changed(here, read)[0] == {"metrics.jsonl": b"more"}


def test_dependent_files_are_read_first_and_written_last(tmp_path, monkeypatch):
    here = tmp_path / "here"
    run_files.write(here, dict.fromkeys(reversed(ORDER), b""))
    assert list(run_files.signatures(here)) == list(ORDER)
    files, _ = run_files.read_changed(here, {})
    assert list(files) == list(reversed(ORDER))
    written = []
    kept = PlainFolder.write
    monkeypatch.setattr(
        PlainFolder, "write", lambda self, *file: written.append(file[0]) or kept(self, *file)
    )
    run_files.write(tmp_path / "there", files)
    assert written == list(ORDER)


@pytest.mark.parametrize(
    "name",
    ["../weights.safetensors", "/etc/passwd", "results/../../x", "", ".", ".lock", "results/.x",
     "a\\b", "a\0b", "link/x"],
)  # fmt: skip
def test_a_name_that_leads_out_of_the_run_folder_is_an_error_and_nothing_is_written(tmp_path, name):
    run = tmp_path / "run"
    run.mkdir()
    (tmp_path / "elsewhere").mkdir()
    (run / "link").symlink_to(tmp_path / "elsewhere")
    before = sorted(tmp_path.rglob("*"))
    for attempt in (
        lambda: run_files.write(run, {"config.toml": b"fine", name: b"not"}),
        lambda: run_files.remove(run, [name]),
    ):
        with pytest.raises(CtcbenchError, match="does not belong in a run folder"):
            attempt()
    assert sorted(tmp_path.rglob("*")) == before


def test_version_differences_that_matter_are_listed():
    ours = installed_versions()
    assert {"ctcbench", "python", "torch", "numpy", "pillow", "captcha"} <= set(ours["versions"])
    theirs = {
        "versions": {**ours["versions"], "torch": ours["versions"]["torch"].partition("+")[0] + "+cu126"},
        "plugins": {**ours["plugins"], "only-there": "1.0"},
    }
    assert version_differences(ours, ours) == version_differences(ours, theirs) == []
    theirs["versions"] |= {"torch": "1.0+cpu", "numpy": None}
    found = version_differences({**ours, "plugins": {"mine": "0.1"}}, theirs)
    assert [line.partition(" there")[0] for line in found] == [
        "torch 1.0+cpu",
        "numpy missing",
        "mine missing",
    ]
    minor = {"versions": {**ours["versions"], "python": "3.10.1"}, "plugins": ours["plugins"]}
    assert len(version_differences(ours, minor)) == 1


def test_a_shared_folder_is_recognised_by_its_token(tmp_path):
    (tmp_path / "token").write_text("right")
    assert node_folders.is_shared(tmp_path / "token", "right")
    assert not node_folders.is_shared(tmp_path / "token", "wrong")
    assert not node_folders.is_shared(tmp_path / "elsewhere" / "token", "right")


def test_only_folders_of_killed_actors_are_removed(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / f"{node_folders._PREFIX}mine-too").mkdir()  # without a lock file: of no actor
    dead = tmp_path / f"{node_folders._PREFIX}dead"
    dead.mkdir()
    (dead / node_folders._LOCK).write_text("")
    with node_folders.trial_folder(tmp_path) as first, node_folders.trial_folder(tmp_path) as second:
        assert first.is_dir()
        assert second.is_dir()
        assert not dead.exists()
    assert sorted(p.name for p in tmp_path.iterdir() if not p.name.startswith(".")) == [
        f"{node_folders._PREFIX}mine-too",
        "mine",
    ]


def test_the_error_for_an_unusable_scratch_folder_names_it(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match=r"file: run folders can't be kept there .* scratch="):
        node_folders.scratch_folder(str(tmp_path / "file"))
    assert node_folders.scratch_folder(str(tmp_path / "new" / "one")).is_dir()


def test_a_trial_without_gpus_sees_none(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3")
    assert "CUDA_VISIBLE_DEVICES" not in trial_environment(gpu=True)  # this process's
    assert trial_environment(gpu=False)["CUDA_VISIBLE_DEVICES"] == ""


def test_packages_that_ray_ships_are_not_on_the_path(tmp_path, monkeypatch):
    ray = types.ModuleType("ray")
    ray.__path__ = [str(tmp_path / "ray")]
    monkeypatch.setitem(sys.modules, "ray", ray)
    monkeypatch.setattr(sys, "path", [str(tmp_path / "ray" / "thirdparty_files"), str(tmp_path / "site")])
    assert trial_environment(gpu=False)["PYTHONPATH"] == str(tmp_path / "site")


@pytest.mark.parametrize(
    ("number", "lost"), [("SIGKILL", True), ("SIGTERM", True), ("SIGSEGV", False), ("SIGABRT", False)]
)
def test_only_signals_from_outside_count_as_killed(tmp_path, number, lost):
    trial = SupervisedTrial({"key": "k", "out": str(tmp_path), "configs": []}, tmp_path, gpu=False)
    os.kill(trial.pid, getattr(signal, number))
    while not trial.wait(0.5):
        pass
    outcome, how = trial.end()
    assert outcome.state == "failed"
    assert number in outcome.error
    assert bool(how) == lost


def test_a_process_that_is_stopped_early_ends(tmp_path):
    trial = SupervisedTrial({"key": "k", "out": str(tmp_path), "configs": []}, Path.home(), gpu=False)
    trial.stop()
    while not trial.wait(0.5):
        pass
    # The order is an empty one: where the signal comes too late, it has failed by that.
    outcome = trial.end()[0]
    assert outcome.state == "stopped" or "killed" not in outcome.error
    with pytest.raises(ProcessLookupError):
        os.kill(trial.pid, 0)
