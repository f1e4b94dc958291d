"""Whole studies: plans, results, failures, what is kept of them, and what they share with `run`."""

import json
import subprocess
import sys

import pytest
from study_cases import SETTINGS, ablate, ending, environment, flags, plugin

from ctcbench.__main__ import main
from ctcbench.study.study_folder import StudyFolder

GRID = flags(backbone=["cnn3:width=4", "cnn2:width=4"], decoder=["greedy", "beam_cpp"])


@pytest.fixture(scope="module")
def done(tmp_path_factory, own_cache):
    out = tmp_path_factory.mktemp("done")
    ended = ablate(*GRID, "--out", out, "--name", "first")
    assert ended.returncode == 0, ended.stderr
    return out, ended


def plan_of(capsys, out, *arguments):
    capsys.readouterr()
    assert main(["ablate", *arguments, "--out", str(out), "--dry-run", "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_a_dry_run_does_nothing(tmp_path, capsys):
    out = tmp_path / "runs"
    plan = plan_of(capsys, out, *GRID)
    assert not out.exists()
    assert (plan["models"], plan["configurations"], plan["train"], plan["decodings"]) == (2, 4, 2, 4)
    assert plan["estimated_seconds"] is None
    assert main(["ablate", *GRID, "--out", str(out), "--dry-run"]) == 0
    said = capsys.readouterr().out
    assert (
        "2 models, 4 configurations: 2 to train, 4 decodings to do, time unknown until some are done" in said
    )
    assert "cnn3:width=4" in said


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


def test_each_model_trains_once_and_the_end_says_where_to_go_on(done):
    out, ended = done
    runs = [path.parent for path in out.glob("*/config.toml")]
    assert len(runs) == 2
    for run in runs:
        assert sorted(path.stem for path in (run / "results").iterdir()) == ["beam_cpp", "greedy"]
    assert "cnn2:width=4 beam_cpp" in ended.stdout
    assert f"ctcbench report {out}" in ended.stdout
    assert "[2/2]" in ended.stderr


def test_what_is_done_is_not_done_again(done, capsys):
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


def test_another_decoder_is_no_training(done, capsys):
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


def test_a_changed_study_says_what_changed_and_keeps_the_old(tmp_path, capsys):
    file = tmp_path / "mine.toml"
    base = "".join(f"{name} = {json.dumps(value)}\n" for name, value in SETTINGS.items())
    file.write_text(f"seeds = 1\n[base]\n{base}")
    out = tmp_path / "runs"
    assert main(["ablate", str(file), "--out", str(out), "--executor", "local:workers=1,threads=1"]) == 0
    file.write_text(f"seeds = 2\n[base]\n{base}".replace("epochs = 2", "epochs = 1"))
    before = ending(out)
    capsys.readouterr()
    assert main(["ablate", str(file), "--out", str(out), "--dry-run"]) == 0
    assert "study mine has changed (epochs: 2 then, 1 now" in " ".join(capsys.readouterr().out.split())
    assert ending(out) == before and not (StudyFolder(out, "mine").path / "plan-1.json").exists()
    assert main(["ablate", str(file), "--out", str(out)]) == 0
    said = capsys.readouterr().err
    assert "study mine has changed (epochs: 2 then, 1 now; seed: 0 then, 0, 1 now)" in said
    assert before.items() <= ending(out).items()
    folder = StudyFolder(out, "mine")
    assert json.loads((folder.path / "plan-1.json").read_text())["models"][0]["label"]
    # The executor of the first time was kept, as its threads can change the last bits.
    assert folder.read_plan()["executor"] == "local:workers=1,threads=1"
    capsys.readouterr()
    assert main(["ablate", str(file), "--out", str(out), "--executor", "local:workers=2,threads=1"]) == 0
    assert "workers: 1 then, 2 now" in capsys.readouterr().err


def test_two_studies_in_one_folder(tmp_path, capsys):
    with StudyFolder(tmp_path, "other").lock():
        assert main(["ablate", *GRID, "--out", str(tmp_path)]) == 2
    said = capsys.readouterr().err
    assert "is running the study other in this folder; wait for it or stop it" in said
    assert not list(tmp_path.glob("*/config.toml"))


def test_a_run_in_progress_is_left_alone_and_not_called_a_failure(tmp_path, capsys):
    assert main(["run", *flags(), "--out", str(tmp_path)]) == 0
    [config] = tmp_path.glob("*/config.toml")
    from ctcbench.results.run_folder import RunFolder

    with RunFolder(config.parent).lock():
        assert main(["ablate", *flags(decoder="beam_cpp"), "--seeds", "1", "--out", str(tmp_path)]) == 1
    said = capsys.readouterr()
    assert "training in this run folder; wait for it or stop it" in said.err
    assert not list(tmp_path.glob("studies/*/trials/*.json"))
    assert main(["ablate", *flags(decoder="beam_cpp"), "--seeds", "1", "--out", str(tmp_path)]) == 0


def test_what_fails_is_recorded_and_the_others_go_on(tmp_path, capsys):
    grid = [*flags(lr=["0.003", "1e30"]), "--out", str(tmp_path), "--name", "nan"]
    assert main(["ablate", *grid]) == 1
    said = capsys.readouterr()
    assert "[2/2]" in said.err
    assert "(lr=1e+30)" in said.out
    assert "--retry-failed" in said.out
    [record] = [r for r in records(tmp_path) if r["state"] == "failed"]
    assert "nan" in record["error"].lower() or "inf" in record["error"].lower()
    assert main(["ablate", *grid, "--json"]) == 1
    trials = json.loads(capsys.readouterr().out)["trials"]
    assert [(t["state"], bool(t["error"]), t["seconds"]) for t in trials] == [
        ("done", False, None), ("failed", True, None),
    ]  # fmt: skip
    plan = plan_of(capsys, tmp_path, *grid[:-4], "--name", "nan", "--retry-failed")
    assert plan["failed"] == 0


BROKEN = '''
    from ctcbench import decoder, head, hookimpl

    @head
    def weak(sequence):
        """A head that breaks when it is used."""
        from torch import nn

        class Weak(nn.Module):
            def forward(self, feats_TNF):
                if self.training:
                    raise RuntimeError("weak as water")
                return feats_TNF
        return Weak()

    @head
    def greedy_eater(sequence):
        """A head that eats all memory."""
        raise MemoryError("no room")

    @decoder
    def mute(alphabet):
        """A decoder that says nothing."""
        def decode(read):
            raise ValueError("mute")
        return decode

    @hookimpl
    def ctcbench_components():
        return [weak, greedy_eater, mute]
'''


def test_plugins_that_break_and_memory_that_runs_out(tmp_path):
    installed = plugin(tmp_path / "site", "brittle", BROKEN)
    out = tmp_path / "runs"
    grid = flags(head=["bigru1:width=8", "weak", "greedy_eater"], decoder=["mute", "greedy"])
    ended = ablate(*grid, "--out", out, plugins=[installed])
    assert ended.returncode == 1
    errors = {record["label"]: record["error"] for record in records(out)}
    assert "mute" in errors["bigru1:width=8"]
    assert errors["weak"] == "RuntimeError: weak as water"
    assert "weak as water" in next(r["traceback"] for r in records(out) if r["label"] == "weak")
    assert "no room" in errors["greedy_eater"]
    assert [path.stem for path in out.glob("*/results/*.json")] == ["greedy"]
    again = ablate(*grid, "--out", out, plugins=[installed])
    assert "3 failed before" in again.stderr


def test_a_decoder_that_failed_is_not_run_again_because_another_did_well(tmp_path):
    installed = plugin(tmp_path / "site", "brittle", BROKEN)
    out = tmp_path / "runs"

    def study(*more, decoders=("mute", "greedy")):
        grid = [*flags(decoder=list(decoders)), "--name", "two", "--out", out, *more]
        return ablate(*grid, plugins=[installed])

    def record():
        [found] = records(out)
        return found["state"], found["error"], found["results"], found["decoder_failures"]

    failed = ("failed", "ValueError: mute", ["mute"], {"mute": "ValueError: mute"})
    assert study(decoders=["mute"]).returncode == 1
    assert record() == failed
    plan = json.loads(study("--dry-run", "--json").stdout)
    assert (plan["decode"], plan["decodings"], plan["failed"]) == (1, 1, 0)
    assert "decode; 1 decoder failed before: ValueError: mute" in study("--dry-run").stdout
    ended = study("--json")
    assert ended.returncode == 1, ended.stderr
    assert "1 to decode, 1 failed before (--retry-failed runs them again)" in ended.stderr
    [trial] = json.loads(ended.stdout)["trials"]
    assert (trial["state"], trial["error"]) == ("failed", "ValueError: mute")
    assert record() == failed
    assert [path.stem for path in out.glob("*/results/*.json")] == ["greedy"]
    assert "1 failed before" in study().stderr
    assert study(decoders=["greedy"]).returncode == 0  # of this study, it is no part
    assert study("--retry-failed").returncode == 1
    assert record() == failed


def test_training_that_failed_is_no_failure_of_decoders(tmp_path, capsys):
    """Once it is done, by whomever, each decoder is run."""
    grid = [*flags(decoder=["greedy", "beam_cpp"], lr="1e30"), "--name", "wild", "--out", str(tmp_path)]
    assert main(["ablate", *grid]) == 1
    [path] = tmp_path.glob("studies/*/trials/*.json")
    record = json.loads(path.read_text())
    assert (record["results"], record["decoder_failures"]) == (["greedy", "beam_cpp"], {})
    assert main(["run", *flags(), "--out", str(tmp_path)]) == 0
    [trained] = [path.parent for path in tmp_path.glob("*/summary.json")]
    trial = path.with_name(f"{trained.name}.json")
    trial.write_text(json.dumps(record | {"key": trained.name}))
    grid[grid.index("1e30")] = "0.003"
    assert plan_of(capsys, tmp_path, *grid[:-2])["decode"] == 1


@pytest.mark.parametrize("damage", ["cut off", "another schema"])
def test_a_result_that_cannot_be_read_is_kept_and_made_again(tmp_path, capsys, damage):
    grid = [*flags(decoder=["greedy", "beam_cpp"]), "--out", str(tmp_path)]
    assert main(["ablate", *grid]) == 0
    before = ending(tmp_path)
    [path] = tmp_path.glob("*/results/greedy.json")
    text = path.read_text()
    wrong = text[:100] if damage == "cut off" else text.replace('"schema": 1', '"schema": 7')
    path.write_text(wrong)
    capsys.readouterr()
    assert main(["ablate", *grid]) == 0
    assert "kept as greedy.json.unreadable, and made again" in capsys.readouterr().err
    kept = path.with_name("greedy.json.unreadable")
    assert kept.read_text() == wrong
    kept.unlink()
    assert ending(tmp_path) == before


DAMAGED_PLANS = [
    "{", '{"schema": 9}', '{"schema": 1}', '{"schema": 1, "models": [3]}', '{"schema": 1, "models": [{}]}',
    '{"schema": 1, "models": [{"key": "a"}]}',
    '{"schema": 1, "models": [{"key": "a", "results": {"greedy": 3}}]}',
    '{"schema": 1, "models": [{"key": "a", "results": {"greedy": {"lr": [1]}}}]}',
    '{"schema": 1, "models": [], "versions": [3]}', '{"schema": 1, "models": [], "scale": "half"}',
]  # fmt: skip


@pytest.mark.parametrize("text", DAMAGED_PLANS)
def test_a_plan_that_cannot_be_read_is_left_alone(tmp_path, capsys, text):
    path = tmp_path / "studies/mine/plan.json"
    path.parent.mkdir(parents=True)
    path.write_text(text)
    assert main(["ablate", *flags(), "--name", "mine", "--out", str(tmp_path)]) == 1
    said = capsys.readouterr().err
    assert str(path) in said and "a bug" not in said
    assert path.read_text() == text


def records(out):
    return [json.loads(path.read_text()) for path in sorted(out.glob("studies/*/trials/*.json"))]
