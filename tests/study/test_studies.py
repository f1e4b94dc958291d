"""Whole studies: plans, results, failures, records, and work shared with `ctcbench run`."""

import json
import shutil
import subprocess
import sys

import pytest

from ctcbench.__main__ import main
from ctcbench.study.study_folder import StudyFolder
from tests.study.study_cases import SETTINGS, ablate_here, ending, environment, flags, plan_of

GRID = flags(backbone=["cnn3:width=4", "cnn2:width=4"], decoder=["greedy", "beam_cpp"])

pytestmark = pytest.mark.usefixtures("in_process")


@pytest.fixture(scope="module")
def done(tmp_path_factory, own_cache, in_process):
    out = tmp_path_factory.mktemp("done")
    ended = ablate_here(*GRID, "--out", out, "--name", "first")
    assert ended.returncode == 0, ended.stderr
    return out, ended


def test_a_dry_run_does_nothing(tmp_path, capsys):
    out = tmp_path / "runs"
    plan = plan_of(capsys, out, *GRID)
    assert not out.exists()
    assert (plan["models"], plan["configurations"], plan["train"], plan["decodings"]) == (2, 4, 2, 4)
    assert plan["estimated_seconds"] is None
    assert main(["ablate", *GRID, "--out", str(out), "--dry-run"]) == 0
    printed = capsys.readouterr().out
    assert (
        "2 models, 4 configurations: 2 to train, 4 decodings to do, time unknown until the first are done"
        in printed
    )
    assert "cnn3:width=4" in printed


def test_a_dry_run_imports_no_torch(tmp_path):
    script = (
        "import sys; from ctcbench.__main__ import main; main(['ablate', 'lottery', '--dry-run']);"
        "sys.exit('torch' in sys.modules)"
    )
    command = [sys.executable, "-c", script]
    ended = subprocess.run(command, cwd=tmp_path, env=environment(), capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    assert "talk-10k seed 9" in ended.stdout
    assert list(tmp_path.iterdir()) == []


def test_each_model_trains_once_and_the_output_names_the_next_command(done):
    out, ended = done
    runs = [path.parent for path in out.glob("*/config.toml")]
    assert len(runs) == 2
    for run in runs:
        assert sorted(path.stem for path in (run / "results").iterdir()) == ["beam_cpp", "greedy"]
    assert "cnn2:width=4 beam_cpp" in ended.stdout
    assert f"ctcbench report {out}" in ended.stdout
    assert "[2/2]" in ended.stderr


def test_finished_work_is_not_repeated(done, capsys):
    out, _ = done
    times = {path: path.stat().st_mtime_ns for path in out.rglob("*.json") if "studies" not in path.parts}
    assert main(["ablate", *GRID, "--resume", "--out", str(out), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert [trial["state"] for trial in document["trials"]] == ["done", "done"]
    assert len(document["results"]) == 4
    assert {path: path.stat().st_mtime_ns for path in times} == times
    plan = plan_of(capsys, out, *GRID, "--seeds", "2", "--name", "first")
    assert (plan["done"], plan["train"]) == (2, 2)
    assert 0 < plan["estimated_seconds"] < 120


def test_another_decoder_needs_no_training(done, capsys):
    out, _ = done
    grid = flags(backbone=["cnn3:width=4", "cnn2:width=4"], decoder=["greedy", "beam_cpp:width=3"])
    plan = plan_of(capsys, out, *grid)
    assert (plan["train"], plan["decode"], plan["decodings"]) == (0, 2, 2)
    weights = {p: p.stat().st_mtime_ns for p in out.glob("*/weights.safetensors")}
    assert main(["ablate", *grid, "--out", str(out)]) == 0
    assert {p: p.stat().st_mtime_ns for p in weights} == weights
    assert len(list(out.glob("*/results/beam_cpp-*.json"))) == 2


def test_run_and_ablate_share_their_work(tmp_path, capsys):
    assert main(["run", *flags(), "--out", str(tmp_path)]) == 0
    plan = plan_of(capsys, tmp_path, *flags(), "--seeds", "2")
    assert (plan["done"], plan["train"]) == (1, 1)


def test_the_plan_is_recorded_with_versions_and_threads(done):
    out, _ = done
    plan = json.loads((out / "studies/first/plan.json").read_text())
    assert plan["schema"] == 1
    assert plan["versions"]["torch"]
    assert plan["resources"]["threads"] >= 1
    assert [sorted(model["results"]) for model in plan["models"]] == [["beam_cpp", "greedy"]] * 2
    trial = json.loads((out / "studies/first/trials" / f"{plan['models'][0]['key']}.json").read_text())
    assert trial["state"] == "done"
    assert trial["resources"] == plan["resources"]
    assert trial["seconds"] > 0


def test_a_changed_study_reports_the_changes_and_keeps_the_old_plan(tmp_path, capsys):
    file = tmp_path / "mine.toml"
    base = "".join(f"{name} = {json.dumps(value)}\n" for name, value in SETTINGS.items())
    file.write_text(f"seeds = 1\n[base]\n{base}")
    out = tmp_path / "runs"
    assert main(["ablate", str(file), "--out", str(out), "--executor", "here:workers=1"]) == 0
    file.write_text(f"seeds = 2\n[base]\n{base}".replace("epochs = 2", "epochs = 1"))
    before = ending(out)
    capsys.readouterr()
    assert main(["ablate", str(file), "--out", str(out), "--dry-run"]) == 0
    assert "study mine has changed (epochs: 2 before, 1 now" in " ".join(capsys.readouterr().out.split())
    assert ending(out) == before and not (StudyFolder(out, "mine").path / "plan-1.json").exists()
    assert main(["ablate", str(file), "--out", str(out)]) == 0
    printed = capsys.readouterr().err
    assert "study mine has changed (epochs: 2 before, 1 now; seed: 0 before, 0, 1 now)" in printed
    assert before.items() <= ending(out).items()
    folder = StudyFolder(out, "mine")
    assert json.loads((folder.path / "plan-1.json").read_text())["models"][0]["label"]
    # The first executor is kept, because its number of threads can change the last bits.
    assert folder.read_plan()["executor"] == "here"
    capsys.readouterr()
    assert main(["ablate", str(file), "--out", str(out), "--executor", "here:workers=2"]) == 0
    assert "workers: 1 before, 2 now" in capsys.readouterr().err


def test_a_second_study_in_a_folder_is_refused(tmp_path, capsys):
    with StudyFolder(tmp_path, "other").lock():
        assert main(["ablate", *GRID, "--out", str(tmp_path)]) == 2
    printed = capsys.readouterr().err
    assert "is running the study other in this folder; wait for it or stop it" in printed
    assert not list(tmp_path.glob("*/config.toml"))


def test_a_model_that_another_process_trains_is_not_a_failure(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("ctcbench.study.trial.BUSY_SECONDS", 0.1)
    assert main(["run", *flags(), "--out", str(tmp_path)]) == 0
    [config] = tmp_path.glob("*/config.toml")
    from ctcbench.results.run_folder import RunFolder

    with RunFolder(config.parent).lock():
        assert main(["ablate", *flags(decoder="beam_cpp"), "--seeds", "1", "--out", str(tmp_path)]) == 1
    printed = capsys.readouterr()
    assert "training in this run folder; wait for it or stop it" in printed.err
    assert not list(tmp_path.glob("studies/*/trials/*.json"))
    assert main(["ablate", *flags(decoder="beam_cpp"), "--seeds", "1", "--out", str(tmp_path)]) == 0


@pytest.mark.parametrize("damage", ["cut off", "another schema"])
def test_a_result_that_cannot_be_read_is_kept_and_computed_again(done, tmp_path, capsys, damage):
    out = shutil.copytree(done[0], tmp_path / "runs")
    before = ending(out)
    path, *_ = sorted(out.glob("*/results/greedy.json"))
    text = path.read_text()
    wrong = text[:100] if damage == "cut off" else text.replace('"schema": 1', '"schema": 7')
    path.write_text(wrong)
    capsys.readouterr()
    assert main(["ablate", *GRID, "--name", "first", "--out", str(out)]) == 0
    assert "kept as greedy.json.unreadable, and computed again" in capsys.readouterr().err
    kept = path.with_name("greedy.json.unreadable")
    assert kept.read_text() == wrong
    kept.unlink()
    assert ending(out) == before


DAMAGED_PLANS = [
    "{", '{"schema": 9}', '{"schema": 1}', '{"schema": 1, "models": [3]}', '{"schema": 1, "models": [{}]}',
    '{"schema": 1, "models": [{"key": "a"}]}',
    '{"schema": 1, "models": [{"key": "a", "results": {"greedy": 3}}]}',
    '{"schema": 1, "models": [{"key": "a", "results": {"greedy": {"lr": [1]}}}]}',
    '{"schema": 1, "models": [], "versions": [3]}', '{"schema": 1, "models": [], "scale": "half"}',
]  # fmt: skip


@pytest.mark.parametrize("text", DAMAGED_PLANS)
def test_a_plan_that_cannot_be_read_is_not_overwritten(tmp_path, capsys, text):
    path = tmp_path / "studies/mine/plan.json"
    path.parent.mkdir(parents=True)
    path.write_text(text)
    assert main(["ablate", *flags(), "--name", "mine", "--out", str(tmp_path)]) == 1
    printed = capsys.readouterr().err
    assert str(path) in printed and "a bug" not in printed
    assert path.read_text() == text


def test_a_report_of_an_unfinished_study_counts_the_missing_results(done, tmp_path, capsys):
    out, _ = done
    shutil.copytree(out, tmp_path / "runs")
    one, *_ = sorted((tmp_path / "runs").glob("*/results/greedy.json"))
    one.unlink()
    capsys.readouterr()
    assert main(["report", str(tmp_path / "runs")]) == 0
    assert "study first: 1 of 4 configurations have no result" in capsys.readouterr().err
    assert main(["report", str(out)]) == 0
    assert "no result" not in capsys.readouterr().err


def test_the_closing_table_has_the_names_of_the_study_itself(tmp_path):
    """Another study of the same run, with another name for it, was planned later."""
    base = "".join(f"{name} = {json.dumps(value)}\n" for name, value in SETTINGS.items())

    def study(name, *rules):
        file = tmp_path / f"{name}.toml"
        listed = "".join(f'[[include]]\nname = "{rule}"\nlr = {lr}\n' for rule, lr in rules)
        file.write_text(f"[base]\n{base}{listed}")
        ended = ablate_here(file, "--out", tmp_path / "runs")
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    mine = ("mine", ("usual rate", 0.003), ("half rate", 0.0015))
    study(*mine)
    assert "their rate" in study("theirs", ("their rate", 0.003), ("smaller rate", 0.0015))
    again = study(*mine)
    assert "usual rate" in again and "half rate" in again and "their rate" not in again
