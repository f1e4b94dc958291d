"""Executors: `local`, the example of the documentation, and executors that break the contract."""

import json
import math
import os
import re
import signal
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ctcbench.__main__ import main
from ctcbench.builtin.local_executor import _groups
from ctcbench.contract.components import Component
from ctcbench.contract.errors import PluginError, UsageError
from ctcbench.contract.executors import Outcome, Trial
from ctcbench.registry.component_registry import Registry
from ctcbench.registry.discovery import load_registry
from ctcbench.registry.plugin import Plugin
from ctcbench.study import trial
from ctcbench.study.study_execution import build_executor, executor_resources
from ctcbench.study.study_folder import StudyFolder
from tests.study.study_cases import (
    ablate,
    ablate_here,
    ablate_with_new_interpreters,
    ending,
    flags,
    plugin,
    records,
    start,
)

PAGE = Path(__file__).parents[2] / "docs" / "plugins.md"


@pytest.fixture
def registry():
    return load_registry([])


def test_shares_of_cores(registry, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    monkeypatch.setattr("os.sched_getaffinity", lambda pid: set(range(12)), raising=False)
    described = {
        text: dict(registry.build("executor", text).describe())
        for text in (
            "local", "local:workers=5", "local:workers=24", "local:workers=2,threads=3",
            "local:workers=2,together=10",
        )
    }  # fmt: skip
    assert described == {
        "local": {"workers": 8, "threads": 1, "gpus": 0},
        "local:workers=5": {"workers": 5, "threads": 2, "gpus": 0},
        "local:workers=24": {"workers": 24, "threads": 1, "gpus": 0},
        "local:workers=2,threads=3": {"workers": 2, "threads": 3, "gpus": 0},
        "local:workers=2,together=10": {"workers": 20, "threads": 6, "gpus": 0, "together": 10},
    }


def test_workers_per_gpu(registry, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,GPU-8932f937")
    monkeypatch.setattr("os.sched_getaffinity", lambda pid: set(range(12)), raising=False)
    for text, workers in (("local", 2), ("local:per_gpu=3", 6), ("local:workers=1", 1)):
        assert registry.build("executor", text).describe()["workers"] == workers
    for text, wrong in (
        ("local:per_gpu=0", "per_gpu=0"),
        ("local:together=33", "together=33: out of bounds"),
    ):
        with pytest.raises(UsageError, match=wrong):
            registry.build("executor", text)


@pytest.mark.parametrize(
    ("keys", "together", "workers", "groups"),
    [
        ("aab", 1, 2, ["a0", "a1", "b2"]),
        ("abab", 10, 1, ["a0 a2", "b1 b3"]),
        ("aaaaa", 2, 1, ["a0", "a1 a2", "a3 a4"]),  # of about equal size
        ("aaaa", 10, 2, ["a0 a1", "a2 a3"]),  # no worker without work
        ("aaabbb", 10, 5, ["a0", "a1 a2", "b3", "b4 b5"]),
        ("??", 10, 1, ["?0", "?1"]),  # without a key, nothing is known of them
        ("", 10, 1, []),
    ],
)
def test_trials_that_differ_in_their_seed_only_form_groups(keys, together, workers, groups):
    trials = [Trial(f"{k}{n}", "", {}, "" if k == "?" else k) for n, k in enumerate(keys)]
    made = _groups(trials, together, workers)
    assert [" ".join(trial.key for trial in group) for group in made] == groups


def test_gpus_are_counted_only_for_trials_that_may_use_them(registry, tmp_path, monkeypatch):
    listing = tmp_path / "nvidia-smi"
    listing.write_text("#!/bin/sh\n[ \"$1\" = --list-gpus ] && printf 'GPU 0: A\\nGPU 1: A\\n'\n")
    listing.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr("os.sched_getaffinity", lambda pid: set(range(12)), raising=False)

    def scale_note(text, *devices):
        return tuple(registry.build("executor", text).for_devices(set(devices)).describe().values())

    workers_threads_gpus = {
        ("local", "auto"): (2, 6, 2),
        ("local", "cuda"): (2, 6, 2),
        ("local", "cpu", "auto"): (2, 6, 2),
        ("local", "cpu"): (8, 1, 0),
        ("local:workers=3,per_gpu=2", "cpu"): (3, 4, 0),
        ("local:per_gpu=2", "auto"): (4, 3, 2),
        ("local:threads=5", "cpu"): (8, 5, 0),
    }
    assert {given: scale_note(*given) for given in workers_threads_gpus} == workers_threads_gpus
    with pytest.raises(UsageError, match=r"--device cuda:1: .* CUDA_VISIBLE_DEVICES=1 for"):
        scale_note("local", "auto", "cuda:1")


SPY = """
    import os
    from ctcbench import backbone, hookimpl

    @backbone
    def spy(image):
        \"\"\"A backbone that records what its process sees.\"\"\"
        import torch
        seen = os.environ.get("CUDA_VISIBLE_DEVICES"), torch.get_num_threads(), os.environ["OMP_NUM_THREADS"]
        print(seen)  # standard output is the messages' own: this must not get in their way
        with open(os.environ["SPY"], "a") as file:
            file.write(" ".join(map(str, seen)) + "\\n")
        return torch.nn.Sequential(torch.nn.Conv2d(image.channels, 2, 3, stride=4), torch.nn.ReLU())

    @hookimpl
    def ctcbench_components():
        return [spy]
"""


@pytest.mark.landing
def test_each_worker_has_its_gpu_and_its_threads(tmp_path, monkeypatch):
    installed = plugin(tmp_path / "site", "spying", SPY)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    monkeypatch.setenv("SPY", str(tmp_path / "seen"))
    grid = [*flags(backbone="spy", max_steps=1), "--seeds", "2", "--out", tmp_path / "runs"]
    ended = ablate_with_new_interpreters(*grid, "--executor", "local:threads=2", plugins=[installed])
    assert ended.returncode == 0, ended.stderr
    seen = (tmp_path / "seen").read_text().splitlines()
    assert set(seen) == {"0 2 2", "1 2 2"}
    plan = json.loads(next((tmp_path / "runs").glob("studies/*/plan.json")).read_text())
    assert plan["resources"] == {"workers": 2, "threads": 2, "gpus": 2}


@pytest.mark.landing
def test_seeds_that_are_trained_together_have_the_results_of_separate_workers(tmp_path, monkeypatch):
    """Another configuration is trained by a worker of its own, and one that fails does so for each seed."""
    installed = plugin(tmp_path / "site", "spying", SPY)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    monkeypatch.setenv("SPY", str(tmp_path / "seen"))
    grid = [*flags(backbone="spy", lr=["0.003", "1e30"], max_steps=4), "--seeds", "3"]
    for name, executor in (("together", "local:threads=1,together=3"), ("separate", "local:threads=1")):
        ended = ablate(*grid, "--out", tmp_path / name, "--executor", executor, plugins=[installed])
        assert ended.returncode == 1, ended.stderr
        assert ended.stdout.count("lr=1e+30") >= 3
    assert ending(tmp_path / "together") == ending(tmp_path / "separate")
    seen = (tmp_path / "seen").read_text().split()
    assert sorted(set(zip(seen[::3], seen[1::3], strict=True))) == [("0", "1"), ("1", "1")]
    (plan,) = (tmp_path / "together").glob("studies/*/plan.json")
    assert json.loads(plan.read_text())["resources"]["together"] == 3


@pytest.mark.landing
@pytest.mark.skipif(sys.platform != "linux", reason="looks for workers in /proc")
def test_seeds_that_are_killed_together_are_resumed(tmp_path):
    grid = [*flags(epochs=8), "--seeds", "2", "--checkpoint-seconds", "0"]
    executor = ["--executor", "local:workers=1,threads=1,together=2"]
    whole = ablate(*grid, "--out", tmp_path / "whole", *executor)
    assert whole.returncode == 0, whole.stderr
    for number, code in ((signal.SIGKILL, -signal.SIGKILL), (signal.SIGTERM, 130)):
        out = tmp_path / number.name
        study = start(*grid, "--out", out, *executor)
        deadline = time.monotonic() + 60
        while len(list(out.glob("*/checkpoint.safetensors"))) < 2:
            assert study.poll() is None and time.monotonic() < deadline
            time.sleep(0.002)
        os.kill(study.pid, number)
        study.communicate()
        assert study.returncode == code
        assert not list(out.glob("*/results/*.json"))
        again = ablate(*grid, "--out", out, *executor)
        assert again.returncode == 0, again.stderr
        assert ending(out) == ending(tmp_path / "whole")


def test_a_study_on_the_cpu_has_no_gpus(tmp_path, monkeypatch):
    installed = plugin(tmp_path / "site", "spying", SPY)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1,2")
    monkeypatch.setenv("SPY", str(tmp_path / "seen"))
    grid = [*flags(backbone="spy", device="cpu", max_steps=1), "--out", tmp_path / "runs"]
    ended = ablate(*grid, "--executor", "local:threads=1", plugins=[installed])
    assert ended.returncode == 0, ended.stderr
    # Every worker sees all GPUs.
    assert set((tmp_path / "seen").read_text().splitlines()) == {"0,1,2 1 1"}
    plan = json.loads(next((tmp_path / "runs").glob("studies/*/plan.json")).read_text())
    assert plan["resources"]["gpus"] == 0 and plan["resources"]["workers"] >= 1


def test_the_documented_executor_and_local_have_equal_results(tmp_path):
    section = PAGE.read_text(encoding="utf-8").partition("### An executor")[2]
    code = re.search(r"```python\n(.*?)```", section, re.S)[1]
    installed = plugin(tmp_path / "site", "processes_study", code)
    grid = flags(decoder=["greedy", "beam_cpp"], lr=["0.003", "1e30"])
    with_processes = ablate(
        *grid, "--out", tmp_path / "processes", "--executor", "processes:count=1", plugins=[installed]
    )
    # The second learning rate makes training diverge.
    assert with_processes.returncode == 1, with_processes.stderr
    assert "(lr=1e+30)" in with_processes.stdout
    local = ablate(*grid, "--out", tmp_path / "local", "--executor", "local:workers=1,threads=1")
    assert local.returncode == 1
    done = [name for name in ending(tmp_path / "local") if "results" in name]
    assert len(done) == 2
    assert {n: f for n, f in ending(tmp_path / "processes").items() if n in done} == {
        n: f for n, f in ending(tmp_path / "local").items() if n in done
    }


def test_another_executor_with_the_same_resources_is_recorded(in_process, tmp_path, capsys):
    """Otherwise a start without --executor would return to the first one."""
    grid = [*flags(), "--name", "one", "--out", str(tmp_path)]
    assert main(["ablate", *grid, "--executor", "here:label=first"]) == 0
    capsys.readouterr()
    assert main(["ablate", *grid, "--executor", "here"]) == 0
    printed = " ".join(capsys.readouterr().err.split())
    assert "executor: here:label=first before, here now" in printed
    assert StudyFolder(tmp_path, "one").read_plan()["executor"] == "here"
    assert main(["ablate", *grid]) == 0
    assert "has changed" not in capsys.readouterr().err


WRONG = """
    from ctcbench import Outcome, carry_out, executor, hookimpl

    class Wrong:
        def __init__(self, how):
            self.how = how
        def describe(self):
            return {}
        def run(self, trials, listener):
            if self.how == "raises":
                raise OSError("no cluster")
            if self.how == "lies":
                yield from (Outcome(trial.key, "done") for trial in trials)
            if self.how == "repeats":
                yield from [Outcome(trials[0].key, "failed")] * 2
            if self.how == "invents":
                yield Outcome("another", "done")
            if self.how == "dies":
                for trial in trials:
                    carry_out(trial.order)
                    yield Outcome(trial.key, "failed", "its worker was killed by SIGKILL")

    @executor
    def wrong(*, how: str):
        \"\"\"An executor that is wrong.\"\"\"
        return Wrong(how)

    @hookimpl
    def ctcbench_components():
        return [wrong]
"""


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("raises", "executor Wrong failed: OSError('no cluster')"),
        ("lies", "reported it as done, but"),
        ("forgets", "the executor returned no outcome for it"),
        ("repeats", "the executor yielded a second outcome for"),
        ("invents", "the executor yielded an outcome for 'another', which is not a trial"),
    ],
)
def test_an_executor_that_breaks_the_contract_is_reported(tmp_path, how, words):
    installed = plugin(tmp_path / "site", "wrongly", WRONG)
    ended = ablate_here(
        *flags(), "--out", tmp_path / "runs", "--executor", f"wrong:how={how}", plugins=[installed]
    )
    assert ended.returncode == 1
    assert words in " ".join((ended.stdout + ended.stderr).split())
    assert "Traceback" not in ended.stderr


def test_a_trial_that_fails_when_all_of_its_results_are_stored_is_done(tmp_path, capsys):
    installed = plugin(tmp_path / "site", "wrongly", WRONG)
    out = tmp_path / "runs"
    ended = ablate_here(*flags(), "--out", out, "--executor", "wrong:how=dies", plugins=[installed])
    assert ended.returncode == 0
    assert "its worker was killed by SIGKILL; all of its results are stored" in " ".join(ended.stderr.split())
    [record] = records(out)
    assert (record["state"], record["error"], record["results"]) == ("done", "", [])
    assert main(["report", str(out)]) == 0
    assert "SIGKILL" not in capsys.readouterr().out


def test_an_outcome_has_one_of_three_states():
    with pytest.raises(
        PluginError, match="the state of an outcome is 'finished'; allowed: done, failed, stopped"
    ):
        Outcome("key", "finished")


class Half:
    def describe(self):
        return {"workers": math.nan}


class Whole(Half):
    def __init__(self, for_devices=None):
        self.for_devices = for_devices

    def run(self, trials, listener):
        return iter(())


@pytest.mark.parametrize(
    ("built", "message"),
    [
        (object(), "mine): executor 'odd': its builder returned object, which has no method describe"),
        (Half(), "mine): executor 'odd': its builder returned Half, which has no method run"),
        (Whole(lambda devices: devices.no), "mine): executor 'odd': for_devices failed: AttributeError("),
        (Whole(), "executor Whole: describe failed: ValueError('Out of range float values"),
    ],
)
def test_objects_that_are_not_executors_are_refused(registry, built, message):
    def odd():
        """An executor that is none."""
        return built

    mine = Plugin("mine", "ctcbench-mine", "1", "mine", components=(Component("executor", odd),))
    with pytest.raises(PluginError) as failed:
        executor_resources(build_executor(Registry((*registry.plugins, mine)), "odd", {"cpu"}))
    assert message in str(failed.value)


def test_one_trial_at_a_time_in_a_process(monkeypatch):
    begun, resumed = threading.Event(), threading.Event()

    def waiting(*_):
        begun.set()
        resumed.wait(60)

    monkeypatch.setattr(trial, "_train_and_decode", waiting)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(trial.carry_out, {"key": "one"})
        begun.wait(60)
        with pytest.raises(PluginError, match="another trial is being carried out in this process"):
            trial.carry_out({"key": "two"})
        resumed.set()
        assert first.result().state == "done"
    assert trial.carry_out({"key": "two"}).state == "done"
