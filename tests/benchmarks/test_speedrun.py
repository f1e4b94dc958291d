"""The speed record: the fixed task, several seeds, what counts as a record."""

import dataclasses
import json

import pytest

from ctcbench import RunConfig, UsageError
from ctcbench.__main__ import main
from ctcbench.benchmarks import speedrun, speedrun_tracks
from ctcbench.config.recipe import resolve
from ctcbench.training.distributed.process_rank import ProcessRank
from ctcbench.training.recognizer.spec_sheet import spec_sheet
from ctcbench.training.runtime import Runtime
from tests.tiny_config import TINY, tiny


@pytest.fixture
def tiny_task(monkeypatch):
    """Let the task be one of images so small that a training takes a moment."""
    monkeypatch.setattr(speedrun, "DATASET", TINY["dataset"])
    monkeypatch.setattr(speedrun, "TEST_SAMPLES", 12)


def measure(registry, out, runs, **settings):
    return speedrun.measure(
        registry, tiny(**settings), Runtime(out), target=0.0, track="two-cores", runs=runs
    )


def test_each_seed_is_trained_once_and_a_second_call_reads_the_finished_runs(registry, tiny_task, tmp_path):
    record = measure(registry, tmp_path, 2, seed=7)
    assert [run.seed for run in record.runs] == [0, 1]  # whatever the setting
    assert all(run.train_seconds > 0 for run in record.runs)
    assert record.train_seconds.mean == sum(run.train_seconds for run in record.runs) / 2
    assert record.config["device"] == "cpu" and record.config["test_samples"] == 12
    assert "seed" not in record.config
    written = sorted(path.stat().st_mtime_ns for path in tmp_path.glob("*/weights.safetensors"))
    assert len(written) == 2
    again = measure(registry, tmp_path, 3)
    assert again.runs[:2] == record.runs and len(again.runs) == 3
    assert sorted(path.stat().st_mtime_ns for path in tmp_path.glob("*/weights.safetensors"))[:2] == written


@pytest.mark.parametrize(("steps", "images"), [(10, 140), (3, 48), (5, 70), (9, 70 + 64)])
def test_flops_are_three_forward_passes_an_image(registry, steps, images):
    recipe = resolve(registry, tiny())  # 70 images: four batches of 16, and one of 6
    assert speedrun.training_flops(recipe, steps) == 3 * images * spec_sheet(recipe).flops


def test_flops_of_a_record_are_those_of_the_steps_that_were_done(registry, tiny_task, tmp_path):
    # A rate at which nothing is learned: the first epoch stays the best, and the second is the last.
    record = measure(registry, tmp_path, 1, patience=1, lr=1e-30, epochs=9)
    assert record.flops == speedrun.training_flops(resolve(registry, tiny()), 10)


def made(exacts, target=0.9):
    runs = tuple(speedrun.TimedRun(seed, exact, 1.0) for seed, exact in enumerate(exacts))
    return speedrun.SpeedRecord(target, "open", runs, 100, 1, 10**12, {}, {}, {}, {})


def test_a_record_needs_ten_runs_whose_mean_reaches_the_target():
    assert made([0.89, 0.92] * 5).shortfall == ""
    assert made([0.95] * 9).shortfall == "9 of the 10 runs that a record needs"
    assert made([0.89] * 10).shortfall == "the mean is 1.00 % below the target"


def test_intervals_of_two_runs_are_within_the_bounds_of_shares_and_times():
    record = made([0.02, 0.99])
    runs = tuple(dataclasses.replace(run, train_seconds=1 + 9 * run.seed) for run in record.runs)
    record = dataclasses.replace(record, runs=runs)
    assert record.exact.interval == (0.0, 1.0)
    low, high = record.train_seconds.interval
    assert low == 0 and high == pytest.approx(5.5 + 12.706 * 4.5, rel=1e-4)
    assert made([0.5]).exact.interval is None


def change_provenance(monkeypatch, seeds, fact, **values):
    """Let the results of some seeds say something else about where they come from."""
    real = speedrun.runner.run

    def elsewhere(recipe, runtime):
        result = real(recipe, runtime)
        if recipe.config.seed in seeds:
            result.provenance[fact].update(values)
        return result

    monkeypatch.setattr(speedrun.runner, "run", elsewhere)


@pytest.mark.parametrize(
    ("fact", "values", "says"),
    [
        ("host", {"cpu": "another"}, "trained on another machine than"),
        ("versions", {"torch": "2.0"}, "trained with other versions than"),
        ("plugins", {"ctcbench-x": "2"}, "trained with another version of a plugin than"),
        ("training", {"processes": 2}, "trained by more or fewer processes than"),
    ],
)
def test_runs_of_two_machines_or_versions_are_no_record(
    registry, tiny_task, tmp_path, monkeypatch, fact, values, says
):
    change_provenance(monkeypatch, [0], "plugins", **{"ctcbench-x": "1"})
    change_provenance(monkeypatch, [1], fact, **values)
    with pytest.raises(UsageError, match=rf"{says} .*give a new folder by --out"):
        measure(registry, tmp_path, 2)


def test_a_plugin_that_is_installed_between_two_runs_is_none_of_the_recipe(
    registry, tiny_task, tmp_path, monkeypatch
):
    change_provenance(monkeypatch, [1], "plugins", **{"ctcbench-x": "1"})
    record = measure(registry, tmp_path, 2)
    assert "ctcbench-x" not in record.to_json()["plugins"]


@pytest.mark.parametrize(("fact", "values"), [("host", {"cores": None}), ("training", {"steps": None})])
def test_a_result_that_does_not_state_its_origin_is_refused(
    registry, tiny_task, tmp_path, monkeypatch, fact, values
):
    change_provenance(monkeypatch, [1], fact, **values)
    with pytest.raises(
        UsageError, match=r"does not state its machine, versions and steps; give a new folder"
    ):
        measure(registry, tmp_path, 2)


def test_finished_runs_of_several_processes_are_on_the_open_track_alone(
    registry, tiny_task, tmp_path, monkeypatch
):
    change_provenance(monkeypatch, [0, 1], "training", processes=8)
    with pytest.raises(UsageError, match=r"not of --track two-cores, since in its training 8 processes"):
        measure(registry, tmp_path, 2)


def test_finished_runs_of_a_machine_that_is_not_of_the_track_are_refused(
    registry, tiny_task, tmp_path, monkeypatch
):
    change_provenance(monkeypatch, [0, 1], "host", cores=8)
    with pytest.raises(UsageError, match=r"not of --track two-cores, since in its training torch uses 8 thr"):
        measure(registry, tmp_path, 2)


def test_several_processes_are_on_the_open_track_alone(registry, monkeypatch):
    monkeypatch.setattr(speedrun_tracks, "read_process_rank", lambda: ProcessRank(0, 2, 0, 2))
    assert speedrun_tracks.choose_track(tiny(device="cpu")) == "open"
    with pytest.raises(UsageError, match="2 processes train together; start it without torchrun, or use"):
        speedrun.fixed_task(registry, RunConfig(), "two-cores")
    assert speedrun.fixed_task(registry, RunConfig(), "open").test_samples == 10_000


def test_another_device_than_that_of_the_track_is_an_error(registry, monkeypatch):
    monkeypatch.setattr(speedrun, "unfit_here", lambda track: "")
    with pytest.raises(UsageError, match="--device cuda: the track two-cores is measured on cpu"):
        speedrun.fixed_task(registry, RunConfig(device="cuda"), "two-cores")
    for device in ("auto", "cpu"):
        assert speedrun.fixed_task(registry, RunConfig(device=device), "two-cores").device == "cpu"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--dataset", TINY["dataset"]], "the task of the speed record is captcha with its default options"),
        (["--init-from", "runs/x"], "a record starts from random weights"),
        (["--seed", "7"], "--seed 7: the rules of the speed record fix it"),
        (["--test-samples", "50"], "--test-samples 50: the rules of the speed record fix it"),
        (["--track", "h100"], "--track h100: "),
        (["--runs", "0"], "--runs"),
        (["--target", "91"], "--target"),
    ],
)
def test_what_the_rules_forbid_is_an_error(words, message, capsys):
    assert main(["bench", "speedrun", "--preset", "fast", *words]) == 2
    assert message in capsys.readouterr().err


def test_more_than_two_threads_are_not_on_the_track_of_two_cores(monkeypatch):
    monkeypatch.setattr(speedrun_tracks.torch, "get_num_threads", lambda: 4)
    assert "set OMP_NUM_THREADS=2" in speedrun_tracks.on_two_cores(speedrun_tracks.this_machine())
    assert speedrun_tracks.choose_track(tiny(device="cpu")) == "open"


def test_the_command_prints_a_table_or_one_json_document(tiny_task, tmp_path, capsys):
    words = [f"--{name.replace('_', '-')}={value}" for name, value in TINY.items()]
    command = ["bench", "speedrun", *words, "--runs", "2", "--out", str(tmp_path), "--track", "open"]
    assert main(command) == 0
    printed = capsys.readouterr().out
    assert "no record: 2 of the 10 runs that a record needs" in " ".join(printed.split())
    assert main([*command, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["command"].startswith("ctcbench bench speedrun --dataset=")
    assert [run["seed"] for run in document["runs"]] == [0, 1]
    assert document["shortfall"] and document["target"] == 0.9
