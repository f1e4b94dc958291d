"""Searches from their file to the best configuration: trials, pruning, seeds, failures, stops."""

import contextlib
import json
import os
import signal
import sys
import time
import tomllib

import pytest

from ctcbench.__main__ import main
from ctcbench.contract.errors import UsageError
from ctcbench.results.run_folder import RunFolder
from ctcbench.study.budget_choice import BudgetChoice
from ctcbench.study.search.validation_course import recorded_epochs
from tests import forked_python
from tests.study.search.search_cases import write
from tests.study.study_cases import ending, environment, plugin

pytest.importorskip("optuna", reason="optuna is not installed")


def tune(capsys, path, *flags, code=0):
    """Run `ctcbench tune` in this process; return its JSON document and what it printed as progress."""
    capsys.readouterr()
    assert main(["tune", str(path), "--out", str(path.parent / "runs"), "--json", *flags]) == code
    printed = capsys.readouterr()
    return json.loads(printed.out), printed.err


def states(document):
    return [trial["state"] for trial in document["trials"]]


@pytest.fixture(scope="module")
def searched(in_process, tmp_path_factory):
    """A finished search of three trials without pruning: its file, and the exit code."""
    path = write(tmp_path_factory.mktemp("searched"), top="trials = 3\npruning = false\nobjective = 'loss'")
    assert main(["tune", str(path), "--out", str(path.parent / "runs")]) == 0
    return path


def test_the_objective_is_that_of_the_weights_that_are_kept(searched, capsys):
    document, progress = tune(capsys, searched)
    assert "small: 3 trials, 3 ended, best so far: trial" in progress
    assert states(document) == ["complete"] * 3
    for trial in document["trials"]:
        [run] = map(RunFolder, map(type(searched), trial["runs"]))
        best_epoch = run.read_summary()["training"]["best_epoch"]
        [kept] = [scores for scores in recorded_epochs(run) if scores.epoch == best_epoch]
        assert trial["score"] == kept.loss
    assert document["best"]["score"] == min(trial["score"] for trial in document["trials"])


def test_the_best_configuration_is_a_file_for_run(searched, capsys):
    document, _ = tune(capsys, searched)
    best = document["trials"][document["best"]["number"] - 1]
    settings = tomllib.loads((searched.parent / "runs" / "studies" / "small" / "best.toml").read_text())
    assert settings["lr"] == best["values"]["lr"]
    assert f"width={best['values']['backbone:width']}" in settings["backbone"]
    capsys.readouterr()
    assert main(["run", "--config", document["best"]["config"], "--out", document["out"], "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["config"]["lr"] == settings["lr"]
    # It is the run of the trial, which is not trained again.
    assert len(list(searched.parent.glob("runs/*/summary.json"))) == 3


def test_tables_and_reports_show_the_trials(searched, capsys):
    assert main(["tune", str(searched), "--out", str(searched.parent / "runs")]) == 0
    printed = capsys.readouterr().out
    assert "3 trials: 3 complete" in printed
    assert "not used for the choice" in printed
    assert "validation loss" in printed and "backbone:width" in printed
    assert main(["report", str(searched.parent / "runs"), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert len(report["rows"]) == 3
    assert not any("no result" in warning for warning in report["warnings"])


def test_more_trials_continue_a_search(searched, tmp_path, capsys):
    import shutil

    copy = tmp_path / "small.toml"
    shutil.copytree(searched.parent / "runs", tmp_path / "runs")
    shutil.copy(searched, copy)
    document, progress = tune(capsys, copy, "--trials", "4")
    assert states(document) == ["complete"] * 4
    assert "trial 4: " in progress and "trial 3: " not in progress


@pytest.mark.landing
def test_a_pruned_trial_leaves_a_run_that_can_be_resumed(in_process, tmp_path, capsys):
    # Without steps that learn, every validation has the same score, except that of the first trial.
    space = "lr = [1e-12, 1e-11]\nepochs = { low = 5, high = 6 }"
    top = "trials = 3\nobjective = 'loss'\npruning = { first = 0.05, reduction = 2 }"
    path = write(tmp_path, space, top=top)
    document, progress = tune(capsys, path)
    pruned = [trial for trial in document["trials"] if trial["state"] == "pruned"]
    assert pruned and "pruned after" in progress
    [run] = map(RunFolder, map(type(path), pruned[0]["runs"]))
    assert run.has(run.checkpoint_path) and not run.is_finished
    assert len(recorded_epochs(run)) < 5
    report = json.loads((path.parent / "runs/studies/small/plan.json").read_text())
    assert run.path.name not in {model["key"] for model in report["models"]}
    assert main(["run", "--config", str(run.config_path), "--out", document["out"], "--resume"]) == 0
    assert RunFolder(run.path).is_finished


def test_each_configuration_is_trained_with_every_seed(in_process, tmp_path, capsys):
    top = "trials = 1\nseeds = 2\npruning = false\nobjective = 'loss'"
    path = write(tmp_path, "lr = [1e-3, 3e-3]", top=top)
    document, _ = tune(capsys, path)
    [trial] = document["trials"]
    runs = list(map(RunFolder, map(type(path), trial["runs"])))
    assert [run.read_config()["seed"] for run in runs] == [0, 1]
    kept = [[one for one in recorded_epochs(run) if one.is_kept][-1].loss for run in runs]
    assert trial["score"] == pytest.approx(sum(kept) / 2)


def test_equal_configurations_are_trained_once(in_process, tmp_path, capsys):
    path = write(tmp_path, "lr = [1e-3, 3e-3]", top="trials = 5\npruning = false", base={"epochs": 1})
    document, _ = tune(capsys, path)
    assert states(document) == ["complete"] * 5
    assert len(list(path.parent.glob("runs/*/summary.json"))) == 2


def test_a_trial_that_fails_is_shown_and_the_others_run(in_process, tmp_path, capsys):
    path = write(tmp_path, "lr = [1e-3, 1e30]", top="trials = 4\npruning = false", base={"epochs": 1})
    document, progress = tune(capsys, path)
    assert set(states(document)) == {"complete", "failed"}
    failed = next(trial for trial in document["trials"] if trial["state"] == "failed")
    assert "try a lower --lr" in failed["error"] and "failed: the" in progress
    path = write(tmp_path, "lr = [1e29, 1e30]", top="trials = 1", name="all")
    document, _ = tune(capsys, path, code=1)
    assert states(document) == ["failed"] and document["best"] is None


@pytest.mark.landing
def test_failed_trials_are_run_again_on_request(in_process, tmp_path, capsys, monkeypatch):
    def run_out_of_memory(*_, **__):
        raise MemoryError

    path = write(tmp_path, "lr = [1e-3, 3e-3]", top="trials = 1\npruning = false", base={"epochs": 1})
    with monkeypatch.context() as patch:
        patch.setattr("ctcbench.pipeline.runner.run", run_out_of_memory)
        failed, _ = tune(capsys, path, code=1)
    assert states(failed) == ["failed"]
    assert states(tune(capsys, path, code=1)[0]) == ["failed"]
    [record] = (tmp_path / "runs/studies/small/trials").iterdir()
    # As after a kill between the removal of the record and the change of the journal.
    record.unlink()
    assert states(tune(capsys, path, code=1)[0]) == ["failed"]
    document, progress = tune(capsys, path, "--retry-failed")
    assert "1 trial, 0 ended, 1 to resume" in progress
    assert states(document) == ["complete"]
    assert document["trials"][0]["values"] == failed["trials"][0]["values"]
    assert tune(capsys, path, "--retry-failed")[0] == document


def test_a_configuration_that_can_t_be_planned_fails_alone(in_process, tmp_path, capsys, monkeypatch):
    timed = []

    def time_configurations(entries, threads, notice, graph):
        timed.extend(entries)
        if entries[0].config.head == "none":
            raise UsageError("--budget 9s: 10 steps take 9.9 s")
        found = {"train_samples": 70, "epochs": 1, "training_seconds": 9, "step_seconds": 1, "compute": "cpu"}
        return {entry.digest: BudgetChoice(**found) for entry in entries}

    monkeypatch.setattr("ctcbench.study.budget_fitting.time_configurations", time_configurations)
    path = write(
        tmp_path,
        'head = ["none", "bigru1:width=8"]',
        top="trials = 4\npruning = false\nbudget = '9s'",
        base={"epochs": None},
    )
    document, progress = tune(capsys, path)
    assert set(states(document)) == {"complete", "failed"}
    failed = next(trial for trial in document["trials"] if trial["state"] == "failed")
    assert failed["error"] == "--budget 9s: 10 steps take 9.9 s" and failed["runs"] == []
    assert "failed: --budget 9s" in progress
    count = len(timed)
    assert tune(capsys, path)[0] == document
    assert len(timed) == count


def test_an_interrupt_while_steps_are_timed_does_not_time_them_again(
    in_process, tmp_path, capsys, monkeypatch
):
    timed = []

    def time_configurations(entries, threads, notice, graph):
        timed.extend(entries)
        if len(timed) == 2:
            raise KeyboardInterrupt
        if len(timed) > 3:
            raise UsageError("--budget 9s: 10 steps take 9.9 s")
        found = {"train_samples": 70, "epochs": 1, "training_seconds": 9, "step_seconds": 1, "compute": "cpu"}
        return {entry.digest: BudgetChoice(**found) for entry in entries}

    monkeypatch.setattr("ctcbench.study.budget_fitting.time_configurations", time_configurations)
    top = "trials = 2\npruning = false\nbudget = '9s'"
    path = write(tmp_path, "lr = { low = 1e-3, high = 3e-3 }", top=top, base={"epochs": None})
    assert main(["tune", str(path), "--out", str(tmp_path / "runs")]) == 130
    assert len(timed) == 2
    assert (tmp_path / "runs/studies/small/best.toml").exists()
    document, progress = tune(capsys, path)
    assert "2 trials, 1 ended, 1 to resume" in progress
    assert states(document) == ["complete"] * 2 and len(timed) == 3


ODD = """
    from ctcbench import Outcome, executor, hookimpl

    class Odd:
        def __init__(self, how):
            self.how = how
        def describe(self):
            return {"workers": 1}
        def run(self, trials, listener):
            if self.how == "takes none":
                return
            trial = next(trials)
            if self.how == "stops":
                yield Outcome(trial.key, "stopped")
            if self.how == "lies":
                yield Outcome(trial.key, "done")

    @executor
    def odd(*, how: str):
        \"\"\"An executor that is odd.\"\"\"
        return Odd(how)

    @hookimpl
    def ctcbench_components():
        return [odd]
"""


@pytest.mark.landing
@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("stops", '"state": "running"'),
        ("forgets", "the executor returned no outcome for it"),
        ("lies", "the executor reported it as done, but"),
        ("takes none", "the executor ended without taking a trial"),
    ],
)
def test_an_executor_without_results_is_reported(tmp_path, how, words):
    installed = plugin(tmp_path / "site", "oddly", ODD)
    path = write(tmp_path, top="trials = 1")
    ended = forked_python.run(
        *("ctcbench", "tune", path, "--out", tmp_path / "runs", "--json"),
        *("--executor", f"odd:how='{how}'"),
        env=environment(installed),
    )
    assert ended.returncode == 1
    assert words in " ".join((ended.stdout + ended.stderr).split())
    assert "Traceback" not in ended.stderr


def test_a_study_and_a_search_of_one_name_are_refused(searched, tmp_path, capsys):
    flags = ["--out", str(searched.parent / "runs"), "--name", "small"]
    assert main(["ablate", "--epochs", "1", *flags]) == 2
    assert "is a search of `ctcbench tune`" in capsys.readouterr().err
    (tmp_path / "runs/studies/small").mkdir(parents=True)
    plan = json.loads((searched.parent / "runs/studies/small/plan.json").read_text())
    (tmp_path / "runs/studies/small/plan.json").write_text(json.dumps(plan))
    assert main(["tune", str(write(tmp_path)), "--out", str(tmp_path / "runs")]) == 2
    assert "is a study of `ctcbench ablate`" in capsys.readouterr().err


def test_without_optuna_the_error_names_what_to_install(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    path = write(tmp_path)
    assert main(["tune", str(path), "--out", str(tmp_path / "runs")]) == 2
    printed = capsys.readouterr().err
    assert "pip install 'ctcbench[optuna]'" in printed and printed.count("\n") == 1
    assert main(["tune", str(path), "--dry-run"]) == 0
    assert "backbone:width  4 to 8 in steps of 4" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--seeds", "x"], "--seeds x: expected a count"),
        (["--name", "../x"], "--name ../x: expected"),
        (["--budget", "60"], "--budget 60: no unit"),
        (["--budget", "60s"], "--budget 60s with --train-samples and --epochs"),
        (["--executor", "locla"], "no executor 'locla'; did you mean 'local'?"),
        (["--executor", "local:together=3"], "one after another, and no two in one process"),
        (["--graph"], "this study trains on a CPU (--device cpu); leave out --graph"),
    ],
)
def test_wrong_flags(tmp_path, capsys, flags, words):
    assert main(["tune", str(write(tmp_path)), "--out", str(tmp_path / "runs"), *flags]) == 2
    assert words in capsys.readouterr().err


LONG = "trials = 3\nobjective = 'loss'\npruning = { first = 0.2, reduction = 2 }"


def start(path, out):
    words = ["ctcbench", "tune", path, "--out", out, "--json", "--checkpoint-seconds", "0"]
    return forked_python.ForkedPython(*words, "--executor", "local:workers=1,threads=1", env=environment())


def finish(path, out):
    search = start(path, out)
    printed, progress = search.communicate()
    assert search.returncode == 0, progress
    return [{**trial, "runs": None} for trial in json.loads(printed)["trials"]]


def has_checkpoint_since(out, moment):
    with contextlib.suppress(FileNotFoundError):  # removed at the end of the training
        return any(path.stat().st_mtime > moment for path in out.glob("*/checkpoint.safetensors"))
    return False


@pytest.mark.landing
@pytest.mark.skipif(sys.platform != "linux", reason="looks for workers in /proc")
def test_a_search_that_is_killed_or_stopped_ends_with_the_same_trials(tmp_path):
    path, out = write(tmp_path, top=LONG, base={"epochs": 8}), tmp_path / "runs"
    whole = finish(path, tmp_path / "whole")
    assert {trial["state"] for trial in whole} >= {"complete"}
    for number in (signal.SIGKILL, signal.SIGINT):
        moment = time.time()
        search = start(path, out)
        while not has_checkpoint_since(out, moment):
            assert search.poll() is None
            time.sleep(0.01)
        os.kill(search.pid, number)
        _, progress = search.communicate()
        assert search.returncode == (-9 if number == signal.SIGKILL else 130)
    assert "of 3 trials done, the rest is saved in" in progress
    assert f"resume with: ctcbench tune {path}" in progress
    assert finish(path, out) == whole
    results = {name: found for name, found in ending(tmp_path / "whole").items() if "results" in name}
    assert {name: found for name, found in ending(out).items() if "results" in name} == results


@pytest.mark.landing
def test_a_trial_is_pruned_while_its_process_runs(tmp_path):
    space = "lr = [1e-3, 1e-12]\nepochs = { low = 1000000, high = 1000001 }"
    top = "trials = 3\nobjective = 'loss'\npruning = { first = 1e-3, reduction = 2 }"
    document = finish(write(tmp_path, space, top=top, base={"max_steps": 200}), tmp_path / "runs")
    assert document[0]["state"] == "complete"
    pruned = [trial for trial in document if trial["state"] == "pruned"]
    assert pruned and all(trial["share"] < 0.5 for trial in pruned)
    begun = {path.parent for path in tmp_path.glob("runs/*/checkpoint.safetensors")}
    finished = {path.parent for path in tmp_path.glob("runs/*/summary.json")}
    assert len(begun - finished) == len(pruned)


@pytest.mark.landing
def test_a_budget_is_the_time_of_each_training(in_process, tmp_path, capsys, monkeypatch):
    timed = []

    def time_configurations(entries, threads, notice, graph):
        timed.extend(entries)
        found = {"train_samples": 70, "epochs": 1, "training_seconds": 9, "step_seconds": 1, "compute": "cpu"}
        return {entry.digest: BudgetChoice(**found) for entry in entries}

    monkeypatch.setattr("ctcbench.study.budget_fitting.time_configurations", time_configurations)
    top = "trials = 2\nseeds = 2\npruning = false\nbudget = '9s'"
    path = write(tmp_path, "lr = { low = 1e-3, high = 3e-3 }", top=top, base={"epochs": None})
    document, _ = tune(capsys, path)
    assert states(document) == ["complete"] * 2
    # Once for both seeds.
    assert len(timed) == 2
    plan = json.loads((tmp_path / "runs/studies/small/plan.json").read_text())
    assert len(plan["budget"]["choices"]) == 2
    assert all(model["chosen"] == ["epochs"] for model in plan["models"])
    assert tomllib.loads((tmp_path / "runs/studies/small/best.toml").read_text())["epochs"] == 1
    # Nothing is timed again.
    assert tune(capsys, path)[0] == document
    assert len(timed) == 2
