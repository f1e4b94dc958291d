"""The parts that need no cluster: a run folder's files, a node's software, a trial's process."""

import os
import signal
import sys
import time
import types
from pathlib import Path

import pytest
from ctcbench_ray import place, run_files
from ctcbench_ray.child import Child, _environment
from ctcbench_ray.same_software import differences, software

from ctcbench import CtcbenchError, UsageError

ORDER = (
    "config.toml", "metrics.jsonl", "recognizer.json", "weights.safetensors", "checkpoint.safetensors",
    "summary.json", "log_probs/test.safetensors", "predictions/greedy.json", "results/greedy.json",
)  # fmt: skip


def test_a_run_folder_goes_over_whole_but_for_what_is_hidden(tmp_path):
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


def test_what_rests_on_something_is_read_before_it_and_written_after_it(tmp_path, monkeypatch):
    here = tmp_path / "here"
    run_files.write(here, dict.fromkeys(reversed(ORDER), b""))
    assert list(run_files.signatures(here)) == list(ORDER)
    files, _ = run_files.read_changed(here, {})
    assert list(files) == list(reversed(ORDER))
    written = []
    kept = run_files.atomic_path
    monkeypatch.setattr(run_files, "atomic_path", lambda path: written.append(path) or kept(path))
    run_files.write(tmp_path / "there", files)
    assert [path.relative_to(tmp_path / "there").as_posix() for path in written] == list(ORDER)


@pytest.mark.parametrize(
    "name",
    ["../weights.safetensors", "/etc/passwd", "results/../../x", "", ".", ".lock", "results/.x",
     "a\\b", "a\0b", "link/x"],
)  # fmt: skip
def test_a_name_that_leads_out_of_the_run_folder_is_refused_and_nothing_written(tmp_path, name):
    run = tmp_path / "run"
    run.mkdir()
    (tmp_path / "elsewhere").mkdir()
    (run / "link").symlink_to(tmp_path / "elsewhere")
    before = sorted(tmp_path.rglob("*"))
    for attempt in (
        lambda: run_files.write(run, {"config.toml": b"fine", name: b"not"}),
        lambda: run_files.remove(run, [name]),
    ):
        with pytest.raises(CtcbenchError, match="does not belong into a run folder"):
            attempt()
    assert sorted(tmp_path.rglob("*")) == before


def test_software_differs_where_it_matters():
    ours = software()
    assert {"ctcbench", "python", "torch", "numpy", "pillow", "captcha"} <= set(ours["versions"])
    theirs = {
        "versions": {**ours["versions"], "torch": ours["versions"]["torch"].partition("+")[0] + "+cu126"},
        "plugins": {**ours["plugins"], "only-there": "1.0"},
    }
    assert differences(ours, ours) == differences(ours, theirs) == []
    theirs["versions"] |= {"torch": "1.0+cpu", "numpy": None}
    found = differences({**ours, "plugins": {"mine": "0.1"}}, theirs)
    assert [line.partition(" there")[0] for line in found] == [
        "torch 1.0+cpu",
        "numpy missing",
        "mine missing",
    ]
    minor = {"versions": {**ours["versions"], "python": "3.10.1"}, "plugins": ours["plugins"]}
    assert len(differences(ours, minor)) == 1


def test_the_study_s_folder_is_known_by_its_token_alone(tmp_path):
    (tmp_path / "token").write_text("right")
    assert place._sees(tmp_path / "token", "right")
    assert not place._sees(tmp_path / "token", "wrong")
    assert not place._sees(tmp_path / "elsewhere" / "token", "right")


def test_folders_of_places_that_died_go_and_nothing_else_does(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / f"{place._OWN}mine-too").mkdir()  # no place ever held it
    dead = tmp_path / f"{place._OWN}dead"
    dead.mkdir()
    (dead / place._HELD).write_text("")
    with place._own_folder(tmp_path) as first, place._own_folder(tmp_path) as second:
        assert first.is_dir()
        assert second.is_dir()
        assert not dead.exists()
    assert sorted(p.name for p in tmp_path.iterdir() if not p.name.startswith(".")) == [
        f"{place._OWN}mine-too",
        "mine",
    ]


def test_scratch_that_can_t_be_used_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match=r"file: run folders can't be kept there .* scratch="):
        place._scratch(str(tmp_path / "file"))
    assert place._scratch(str(tmp_path / "new" / "one")).is_dir()


def test_a_process_sees_the_gpus_that_it_asked_for(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3")
    assert "CUDA_VISIBLE_DEVICES" not in _environment(gpu=True)  # this process's
    assert _environment(gpu=False)["CUDA_VISIBLE_DEVICES"] == ""


def test_what_ray_ships_for_itself_hides_no_package(tmp_path, monkeypatch):
    ray = types.ModuleType("ray")
    ray.__path__ = [str(tmp_path / "ray")]
    monkeypatch.setitem(sys.modules, "ray", ray)
    monkeypatch.setattr(sys, "path", [str(tmp_path / "ray" / "thirdparty_files"), str(tmp_path / "site")])
    assert _environment(gpu=False)["PYTHONPATH"] == str(tmp_path / "site")


@pytest.mark.parametrize(
    ("number", "lost"), [("SIGKILL", True), ("SIGTERM", True), ("SIGSEGV", False), ("SIGABRT", False)]
)
def test_what_others_do_to_a_process_is_told_from_its_own_doing(tmp_path, number, lost):
    child = Child({"key": "k", "out": str(tmp_path), "configs": []}, tmp_path, gpu=False)
    os.kill(child.pid, getattr(signal, number))
    while not child.wait(0.5):
        pass
    outcome, how = child.ending()
    assert outcome.state == "failed"
    assert number in outcome.error
    assert bool(how) == lost


def test_a_process_that_is_asked_to_stop_early_has_stopped(tmp_path):
    child = Child({"key": "k", "out": str(tmp_path), "configs": []}, Path.home(), gpu=False)
    child.stop()
    while not child.wait(0.5):
        pass
    # The order is an empty one: where the signal comes too late, it has failed by that.
    outcome = child.ending()[0]
    assert outcome.state == "stopped" or "killed" not in outcome.error
    with pytest.raises(ProcessLookupError):
        os.kill(child.pid, 0)
