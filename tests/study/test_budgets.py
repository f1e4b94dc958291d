"""Studies with a budget: each configuration is timed once, its numbers are kept, and time is equal."""

import json
from dataclasses import replace

import pytest

from ctcbench.__main__ import main
from ctcbench.contract.errors import CtcbenchError, UsageError
from ctcbench.study import available_devices, budget_fitting
from ctcbench.study.budget_choice import BudgetChoice
from ctcbench.study.grid import expand
from ctcbench.study.study_file import StudySpec, read_study
from ctcbench.study.study_folder import StudyFolder
from ctcbench.training import step_timing
from ctcbench.training.run_length import MeasuredRates
from tests.study.study_cases import BROKEN, SETTINGS, ablate_here, flags, plugin

pytestmark = pytest.mark.usefixtures("in_process")

FREE = {name: value for name, value in SETTINGS.items() if name not in ("train_samples", "epochs")}
BACKBONES = ["cnn3:width=4", "cnn2:width=4"]


def free_flags(**settings):
    """Return the flags of the tiny study without numbers of images and epochs."""
    words = flags(**settings)
    for name in ("train_samples", "epochs"):
        if name not in settings:
            place = words.index("--" + name.replace("_", "-"))
            del words[place : place + 2]
    return words


class Timing:
    """Times configurations in this process at constant rates; keeps what was timed, and the threads."""

    def __init__(self, monkeypatch):
        self.timed, self.threads, self.graphs = [], [], []
        monkeypatch.setattr(budget_fitting, "time_configurations", self.time)
        monkeypatch.setattr(step_timing, "measure_rates", self.measure)

    def measure(self, recipe, dataset, seconds, *, images, workers, group, graph):
        self.graphs.append(graph)
        slow = recipe.config.backbone.startswith("cnn2")
        return MeasuredRates(0.2 if slow else 0.1, min(images, recipe.config.batch_size), 0.001, "cpu")

    def time(self, entries, threads, notice, graph):
        from ctcbench.cli.installed_plugins import registry
        from ctcbench.study.budget_worker import choose_numbers

        self.threads.append(threads)
        self.timed += [entry.config.backbone for entry in entries]
        return {e.digest: choose_numbers(registry(), e.config, e.budget, threads, graph) for e in entries}


@pytest.fixture
def timing(monkeypatch):
    return Timing(monkeypatch)


def numbers(out):
    """Return the numbers of each run of a folder by backbone."""
    found = {}
    for path in out.glob("*/results/*.json"):
        config = json.loads(path.read_text())["config"]
        found.setdefault(config["backbone"], set()).add((config["train_samples"], config["epochs"]))
    return found


@pytest.mark.landing
def test_each_configuration_is_timed_once_for_all_seeds_and_starts(tmp_path, timing):
    words = [*free_flags(backbone=BACKBONES), "--seeds", "2", "--budget", "2s", "--out", tmp_path]
    ended = ablate_here(*words)
    assert ended.returncode == 0, ended.stderr
    assert timing.timed == BACKBONES
    assert timing.threads == [1]  # those of a trial
    assert timing.graphs == [None, None]
    assert numbers(tmp_path) == {"cnn3:width=4": {(320, 1)}, "cnn2:width=4": {(160, 1)}}
    assert ", budget 2s: 4 models" in ended.stderr
    # The labels are those of the axes; the numbers follow from them.
    assert "train_samples=" not in ended.stderr
    assert "1 of 1" not in ended.stderr
    (plan,) = tmp_path.glob("studies/*/plan.json")
    stored = plan.read_text()
    again = ablate_here(*words)
    assert again.returncode == 0, again.stderr
    assert "4 models, 4 configurations: 4 done" in again.stderr
    assert timing.timed == BACKBONES
    assert plan.read_text() == stored
    # One more backbone: it alone is timed.
    name = plan.parent.name
    more = [*free_flags(backbone=[*BACKBONES, "cnn3:width=6"]), "--seeds", "2", "--budget", "2s"]
    ended = ablate_here(*more, "--out", tmp_path, "--name", name)
    assert timing.timed == [*BACKBONES, "cnn3:width=6"]
    assert "2 to train" in ended.stderr
    assert "4 done" in ended.stderr


@pytest.mark.parametrize(
    "before", [["--budget", "2s"], ["--train-samples", "320", "--epochs", "1"]], ids=["budget", "numbers"]
)
def test_a_choice_is_kept_if_the_plan_already_has_its_numbers(tmp_path, timing, before):
    words = [*free_flags(), "--out", tmp_path, "--name", "one"]
    assert ablate_here(*words, *before).returncode == 0
    timed = len(timing.timed)
    for _ in range(2):
        ended = ablate_here(*words, "--budget", "2.01s")  # of the same number of images
        assert ended.returncode == 0, ended.stderr
        assert "1 done" in ended.stderr and "has changed" not in ended.stderr
    assert len(timing.timed) == timed + 1
    folder = StudyFolder(tmp_path, "one")
    assert {(c.train_samples, c.epochs) for c in folder.read_choices().values()} == {(320, 1)}
    assert folder.read_plan()["models"][0]["chosen"] == ["train_samples", "epochs"]
    assert not list(folder.path.glob("plan-*.json"))  # nothing that a user sees has changed


def test_a_report_compares_at_equal_time(tmp_path, timing, capsys):
    words = [*free_flags(backbone=BACKBONES), "--budget", "2s", "--out", tmp_path]
    assert ablate_here(*words).returncode == 0
    capsys.readouterr()
    assert main(["report", str(tmp_path), "--format", "json"]) == 0
    report = json.loads(capsys.readouterr().out)
    text = json.dumps(report)
    assert "a budget of training time chose train_samples" in text
    assert "confounded" not in text
    assert "cnn2:width=4" in text


def test_without_a_graph_the_steps_are_timed_without_it(tmp_path, timing):
    words = [*free_flags(), "--budget", "2s", "--no-graph", "--out", tmp_path, "--dry-run"]
    assert ablate_here(*words).returncode == 0
    assert timing.graphs == [False]


def test_a_graph_without_a_gpu_is_an_error_before_anything_is_timed(tmp_path, timing, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    monkeypatch.setattr(available_devices, "_has_cuda", lambda: False)
    words = ["--budget", "2s", "--graph", "--executor", "local", "--out", tmp_path / "runs"]
    ended = ablate_here(*free_flags(), *words)
    assert ended.returncode == 2
    assert "leave out --graph" in ended.stderr
    assert timing.graphs == [] and not (tmp_path / "runs").exists()


def test_a_dry_run_shows_the_numbers_and_stores_nothing(tmp_path, timing, capsys):
    words = [*free_flags(backbone=BACKBONES), "--budget", "2s", "--out", str(tmp_path / "runs"), "--dry-run"]
    assert main(["ablate", *words, "--json"]) == 0
    plan = json.loads(capsys.readouterr().out)
    configs = [config for trial in plan["trials"] for config in trial["results"].values()]
    assert [(config["train_samples"], config["epochs"]) for config in configs] == [(320, 1), (160, 1)]
    assert plan["budget_seconds"] == 2
    assert plan["estimated_seconds"] > 4
    assert list(tmp_path.iterdir()) == []


def test_a_file_can_set_one_number_and_have_the_other_chosen(tmp_path, timing):
    file = tmp_path / "equal.toml"
    base = "\n".join(f"{name} = {json.dumps(value)}" for name, value in FREE.items())
    file.write_text(f'budget = "2s"\n[base]\n{base}\n[axes]\ntrain_samples = [32, 64]\n')
    ended = ablate_here(file, "--out", tmp_path / "runs")
    assert ended.returncode == 0, ended.stderr
    assert numbers(tmp_path / "runs") == {"cnn3:width=4": {(32, 10), (64, 5)}}
    assert "train_samples=32" in ended.stderr


def test_a_number_at_its_default_is_not_the_configuration_that_has_it_chosen(registry, tmp_path, timing):
    file = tmp_path / "numbers.toml"
    base = "\n".join(f"{name} = {json.dumps(value)}" for name, value in FREE.items())
    rule = '[[include]]\nname = "free"\n'
    file.write_text(f'budget = "2000s"\n[base]\n{base}\n[axes]\ntrain_samples = [160, 20000]\n{rule}')
    spec = read_study(file)
    grid = expand(registry, spec)
    assert [entry.budget.chosen for entry in grid.entries] == [
        ("epochs",), ("epochs",), ("train_samples", "epochs"),
    ]  # fmt: skip
    fitted = budget_fitting.fit_grid(registry, grid, {}, threads=1, notice=print)
    assert [entry.config.train_samples for entry in fitted.entries] == [160, 20_000, 320_000]
    # Where the chosen numbers are those of another configuration, they are one.
    grid = expand(registry, replace(spec, budget="1s", axes={"train_samples": (160,)}))
    assert len(grid.entries) == 2
    few = budget_fitting.fit_grid(registry, grid, {}, threads=1, notice=print)
    assert [(entry.config.train_samples, entry.config.epochs) for entry in few.entries] == [(160, 1)]


def test_presets_that_differ_in_chosen_numbers_alone_are_one_configuration(registry):
    spec = StudySpec(axes={"preset": ("fast", "accurate")}, base={"val_samples": 10, "test_samples": 10})
    assert len(expand(registry, spec).entries) == 2
    grid = expand(registry, replace(spec, budget="60s"))
    assert len(grid.entries) == 1
    assert "counted once" in grid.notices[0]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('budget = "3"', "line 1: budget 3: no unit; write 3s, 3m or 3h"),
        ("budget = 60", "line 1: budget 60: no unit; write 60s, 60m or 60h"),
        ("budget = true", "line 1: budget true: expected a number with s, m or h"),
        ('budget = ["60s", "90s"]', "line 1: budget ['60s', '90s']: expected a number with s, m or h"),
        ('budget = "0s"', "line 1: budget 0s: must be longer than 0s"),
    ],
)
def test_a_wrong_budget_in_a_file_names_the_line(tmp_path, text, says):
    file = tmp_path / "wrong.toml"
    file.write_text(f"{text}\nseeds = 2\n")
    with pytest.raises(UsageError) as error:
        read_study(file)
    assert says in str(error.value)


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ({"base": {"epochs": 2}, "axes": {"train_samples": (10, 20)}}, "drop --budget, or one of the two"),
        ({"axes": {"max_steps": (5, 10)}}, "--budget 60s and --max-steps 5: both decide when training ends"),
        ({"base": {"max_steps": 5}}, "--budget 60s and --max-steps 5"),
        ({"scale": 0.5}, "budget 60s and scale 0.5: both decide the length of training; give one"),
        (
            {"axes": {"preset": ("fast", "small")}, "exclude": ({"epochs": (30,)},)},
            "exclude rule 1: epochs will be chosen by the budget",
        ),
        ({"include": ({"epochs": (1,), "train_samples": (5,)},)}, "drop --budget, or one of the two"),
    ],
)
def test_settings_that_contradict_a_budget_are_refused(registry, spec, says):
    with pytest.raises(UsageError) as error:
        expand(registry, StudySpec(budget="60s", **spec))
    assert says in str(error.value)


@pytest.mark.parametrize(
    ("text", "words", "says"),
    [
        (
            "[base]\nepochs = 2\n[axes]\ntrain_samples = [10, 20]",
            [],
            "--budget 2s with axes.train_samples and base.epochs: ",
        ),
        ("[[include]]\nmax_steps = [5]", [], "--budget 2s and include.max_steps 5: both decide"),
        ("[base]\nepochs = 2", ["--train-samples", 20], "--budget 2s with --train-samples and base.epochs: "),
        ("[base]\nepochs = 2", ["--max-steps", 20], "--budget 2s and --max-steps 20: both decide"),
    ],
)
def test_an_error_of_a_budget_names_the_place_of_each_setting(tmp_path, capsys, text, words, says):
    file = tmp_path / "study.toml"
    file.write_text(f"seeds = 2\n{text}\n")
    command = ["ablate", file, *words, "--budget", "2s", "--out", tmp_path, "--dry-run"]
    assert main([str(word) for word in command]) == 2
    assert says in capsys.readouterr().err


def test_an_error_of_a_budget_in_a_file_names_no_flag(tmp_path, capsys):
    file = tmp_path / "study.toml"
    file.write_text('budget = "2s"\n[base]\nmax_steps = 5\n[axes]\nbackbone = ["cnn2", "cnn3"]\n')
    assert main(["ablate", str(file), "--out", str(tmp_path), "--dry-run"]) == 2
    assert ": budget 2s and base.max_steps 5: both decide" in capsys.readouterr().err


def test_a_damaged_choice_in_a_plan_is_an_error(tmp_path, timing):
    words = [*free_flags(), "--budget", "2s", "--out", tmp_path, "--name", "one"]
    assert ablate_here(*words).returncode == 0
    path = tmp_path / "studies" / "one" / "plan.json"
    document = json.loads(path.read_text())
    (choice,) = document["budget"]["choices"].values()
    choice["epochs"] = 0
    path.write_text(json.dumps(document))
    with pytest.raises(CtcbenchError, match="epochs: expected greater than or equal to 1"):
        StudyFolder(tmp_path, "one").read_choices()
    ended = ablate_here(*words)
    assert ended.returncode == 1
    assert "give the study another --name" in ended.stderr


@pytest.mark.landing
def test_a_worker_process_times_with_the_threads_of_a_trial(registry, tmp_path):
    spec = StudySpec(base=FREE, axes={"backbone": tuple(BACKBONES)}, budget="20s")
    notices = []
    grid = expand(registry, spec)
    fitted = budget_fitting.fit_grid(registry, grid, {}, threads=1, notice=notices.append)
    assert len(notices) == 2
    assert "timed 2 of 2: cnn2:width=4" in notices[1]
    for entry in fitted.entries:
        choice = fitted.choices[entry.digest]
        assert isinstance(choice, BudgetChoice)
        assert choice.compute.endswith("1 thread")
        assert (entry.config.train_samples, entry.config.epochs) == (choice.train_samples, choice.epochs)
        assert entry.train_key != next(e.train_key for e in grid.entries if e.digest == entry.digest)
    again = budget_fitting.fit_grid(registry, grid, fitted.choices, threads=1, notice=notices.append)
    assert again.entries == fitted.entries
    assert len(notices) == 2
    short = expand(registry, StudySpec(base=FREE, budget="0.000001s"))
    with pytest.raises(UsageError, match=r"^cnn3:width=4 bigru1:width=8: --budget 0.000001s: 10 steps of 16"):
        budget_fitting.fit_grid(registry, short, {}, threads=1, notice=notices.append)


CRASH = """
    import sys
    from ctcbench.processes.worker_main import serve

    def crash(order, send):
        raise RuntimeError("no such kernel")

    sys.exit(serve(crash))
"""


def test_a_process_that_crashes_while_it_times_is_not_reported_as_killed(tmp_path, registry, monkeypatch):
    monkeypatch.syspath_prepend(plugin(tmp_path / "site", "crashing", CRASH))
    monkeypatch.setattr(budget_fitting, "_WORKER", "crashing")
    grid = expand(registry, StudySpec(base=FREE, budget="20s"))
    message = "the process that times steps ended with exit code 1: RuntimeError: no such kernel"
    with pytest.raises(CtcbenchError, match=message):
        budget_fitting.fit_grid(registry, grid, {}, threads=1, notice=print)


def test_an_error_of_a_plugin_while_it_is_timed_names_the_configuration_and_the_plugin(tmp_path):
    installed = plugin(tmp_path / "site", "brittle", BROKEN)
    words = [*free_flags(head=["bigru1:width=8", "weak"]), "--budget", "20s", "--out", tmp_path / "runs"]
    ended = ablate_here(*words, plugins=[installed])
    assert ended.returncode == 1
    assert "weak: RuntimeError: weak as water (brittle, brittle.py:12)" in ended.stderr
    assert "timed 1 of 2" in ended.stderr
