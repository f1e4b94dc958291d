"""`ctcbench run`: budgets, the command that repeats the run, and the preset for a GPU."""

import json
import shlex
from types import SimpleNamespace

import pytest
import torch

from ctcbench.__main__ import main
from ctcbench.cli.commands.run import exact_command, name_gpu_preset, resume_command
from ctcbench.config.run_config import RunConfig
from ctcbench.training import device, step_timing
from ctcbench.training.run_length import MeasuredRates
from tests.cli.cli_cases import TINY


@pytest.fixture(autouse=True)
def _constant_rates(monkeypatch):
    monkeypatch.setenv("CTCBENCH_PLUGINS", "")
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setattr(
        step_timing,
        "measure_rates",
        lambda *_, images, **more: MeasuredRates(0.1, min(images, 20), 0.001, "cpu"),
    )


# TINY has --train-samples 120 and batches of 20.
FREE = [word for word in TINY if word not in ("--train-samples", "120")]


def test_the_report_ends_with_the_command_that_repeats_the_run(tmp_path, capsys):
    assert main(["run", *FREE, "--budget", "1s", "--out", str(tmp_path), "--epochs", "1"]) == 0
    *_, last = capsys.readouterr().out.splitlines()
    command = last.removeprefix("repeat").strip()
    assert "--budget" not in command
    assert command.endswith("--epochs 1 --train-samples 200")
    words = shlex.split(command)[1:]
    assert main([*words, "--json"]) == 0
    repeated = capsys.readouterr()
    assert "trained already" in repeated.err
    assert json.loads(repeated.out)["config"]["train_samples"] == 200


def test_numbers_of_presets_and_files_are_replaced_and_typed_ones_are_kept(tmp_path, capsys):
    file = tmp_path / "my.toml"
    file.write_text("train_samples = 20\nepochs = 7\n")
    common = [
        "run",
        *FREE,
        "--config",
        str(file),
        "--budget",
        "1s",
        "--out",
        str(tmp_path / "runs"),
        "--json",
    ]
    for typed, numbers in (
        ([], (200, 1)),
        (["--epochs", "2"], (100, 2)),
        (["--train-samples", "40"], (40, 5)),
    ):
        assert main([*common, *typed]) == 0
        config = json.loads(capsys.readouterr().out)["config"]
        assert (config["train_samples"], config["epochs"]) == numbers


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--budget", "0s"], "--budget 0s: must be longer than 0s and at most 1000h"),
        (["--budget", "3"], "--budget 3: no unit; write 3s, 3m or 3h"),
        (["--budget", "-5s"], "--budget -5s: must be longer than 0s"),
        (["--budget=nan"], "--budget nan: expected a number with s, m or h, such as 90s, 2m or 1.5h"),
        (["--budget", ""], "--budget : expected a number with s, m or h"),
        (["--budget", "0.9s"], "--budget 0.9s: 10 steps of 20 images take 1 s here (cpu); give 1s or more"),
        (["--budget", "1s", "--max-steps", "3"], "--budget 1s and --max-steps 3: both decide"),
        (["--budget", "1s", "--epochs", "3", "--train-samples", "40"], "drop --budget, or one of the two"),
        (["--budget", "1s", "--resume"], "has no record of numbers that this command chose"),
        (["--budget", "1s", "--resume", "--fresh"], "--resume and --fresh: give one of them"),
    ],
)
def test_a_wrong_budget_is_one_line_and_leaves_nothing(tmp_path, capsys, words, says):
    assert main(["run", *FREE, "--out", str(tmp_path / "runs"), *words]) == 2
    printed = capsys.readouterr()
    (line,) = printed.err.strip().splitlines()
    assert line.startswith("ctcbench run: ")
    assert says in line
    assert printed.out == ""
    assert list(tmp_path.iterdir()) == []


def test_commands_are_those_that_were_typed():
    words = ["run", "--budget", "60s", "--preset", "fast", "--resume"]
    assert resume_command(words) == "ctcbench run --budget 60s --preset fast --resume"
    assert (
        exact_command(words, {"train_samples": 21000}) == "ctcbench run --preset fast --train-samples 21000"
    )
    words = ["run", "--budget=2s", "--budget=60s", "--fresh", "--dataset", "folder:path='a b'"]
    expected = "ctcbench run --dataset \"folder:path='a b'\" --epochs 2"
    assert exact_command(words, {"epochs": 2}) == expected


@pytest.mark.parametrize(
    ("presets", "kind", "named"),
    [
        (["fast"], "cuda", "fast-gpu"),
        (["fast-gpu", "best"], "cuda", "best-gpu"),  # the last one is used
        (["fast"], "cpu", ""),
        (["fast-gpu"], "cuda", ""),
        (["talk-final"], "cuda", ""),
        (None, "cuda", ""),
    ],
)
def test_a_run_on_a_gpu_with_a_preset_for_cpus_names_the_one_for_gpus(monkeypatch, presets, kind, named):
    monkeypatch.setattr(device, "choose_compute", lambda *_: device.Compute(torch.device(kind), None))
    notices = []
    name_gpu_preset(presets, RunConfig(), SimpleNamespace(notice=notices.append))
    assert len(notices) == bool(named)
    assert named in "".join(notices)
