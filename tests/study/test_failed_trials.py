"""Failures in a study: recorded, without effect on other trials, repeated only with --retry-failed."""

import json

import pytest
from PIL import Image

from ctcbench.__main__ import main
from tests.study.study_cases import BROKEN, SETTINGS, ablate_here, flags, plan_of, plugin, records

pytestmark = pytest.mark.usefixtures("in_process")


def test_a_failure_is_recorded_and_the_other_trials_run(tmp_path, capsys):
    grid = [*flags(lr=["0.003", "1e30"]), "--out", str(tmp_path), "--name", "nan"]
    assert main(["ablate", *grid]) == 1
    printed = capsys.readouterr()
    assert "[2/2]" in printed.err
    assert "(lr=1e+30)" in printed.out
    assert "--retry-failed" in printed.out
    [record] = [r for r in records(tmp_path) if r["state"] == "failed"]
    assert "nan" in record["error"].lower() or "inf" in record["error"].lower()
    assert main(["ablate", *grid, "--json"]) == 1
    trials = json.loads(capsys.readouterr().out)["trials"]
    assert [(t["state"], bool(t["error"]), t["seconds"]) for t in trials] == [
        ("done", False, None), ("failed", True, None),
    ]  # fmt: skip
    plan = plan_of(capsys, tmp_path, *grid[:-4], "--name", "nan", "--retry-failed")
    assert plan["failed"] == 0


def test_errors_of_plugins_and_out_of_memory_are_recorded(tmp_path):
    installed = plugin(tmp_path / "site", "brittle", BROKEN)
    out = tmp_path / "runs"
    grid = flags(head=["bigru1:width=8", "weak", "memory_hog"], decoder=["mute", "greedy"])
    ended = ablate_here(*grid, "--out", out, plugins=[installed])
    assert ended.returncode == 1
    errors = {record["label"]: record["error"] for record in records(out)}
    assert "mute" in errors["bigru1:width=8"]
    assert errors["weak"] == "RuntimeError: weak as water (brittle, brittle.py:12)"
    assert "weak as water" in next(r["traceback"] for r in records(out) if r["label"] == "weak")
    assert "no room" in errors["memory_hog"]
    assert [path.stem for path in out.glob("*/results/*.json")] == ["greedy"]
    again = ablate_here(*grid, "--out", out, plugins=[installed])
    assert "3 failed earlier" in again.stderr


def test_a_decoder_that_failed_is_not_run_again_because_another_succeeded(tmp_path):
    installed = plugin(tmp_path / "site", "brittle", BROKEN)
    out = tmp_path / "runs"

    def study(*more, decoders=("mute", "greedy")):
        grid = [*flags(decoder=list(decoders)), "--name", "two", "--out", out, *more]
        return ablate_here(*grid, plugins=[installed])

    def record():
        [found] = records(out)
        return found["state"], found["error"], found["results"], found["decoder_failures"]

    why = "brittle: decoder 'mute' failed: ValueError('mute') (brittle.py:25)"
    failed = ("failed", why, ["mute"], {"mute": why})
    assert study(decoders=["mute"]).returncode == 1
    assert record() == failed
    plan = json.loads(study("--dry-run", "--json").stdout)
    assert (plan["decode"], plan["decodings"], plan["failed"]) == (1, 1, 0)
    assert "decode; 1 decoder failed earlier: brittle:" in study("--dry-run").stdout
    ended = study("--json")
    assert ended.returncode == 1, ended.stderr
    assert "1 to decode, 1 failed earlier (--retry-failed runs them again)" in ended.stderr
    [trial] = json.loads(ended.stdout)["trials"]
    assert (trial["state"], trial["error"]) == ("failed", why)
    assert record() == failed
    assert [path.stem for path in out.glob("*/results/*.json")] == ["greedy"]
    assert "1 failed earlier" in study().stderr
    assert study(decoders=["greedy"]).returncode == 0  # the failed decoder is not part of this study
    assert study("--retry-failed").returncode == 1
    assert record() == failed


HYPHEN = "beam_cpp:pattern='[0-9-]{2}'"  # the alphabet has digits only


def test_a_decoder_that_refuses_the_alphabet_does_not_stop_the_training_for_the_others(tmp_path, capsys):
    out = tmp_path / "runs"

    def study(*decoders):
        grid = [*flags(decoder=list(decoders)), "--name", "refused", "--out", str(out)]
        ended = ablate_here(*grid)
        return ended, plan_of(capsys, out, *grid[:-2])["trials"][0]

    ended, trial = study(HYPHEN)
    assert ended.returncode == 1 and trial["stage"] == "failed" and "'-'" in trial["error"]
    assert not list(out.glob("*/config.toml"))  # nothing is trained
    [record] = records(out)
    [refused] = record["results"]
    assert record["decoder_failures"] == {refused: record["error"]}
    # Another decoder is trained for, in the same study, without --retry-failed.
    ended, trial = study(HYPHEN, "greedy")
    assert ended.returncode == 1 and trial["pending"] == [refused]
    assert [path.stem for path in out.glob("*/results/*.json")] == ["greedy"]
    assert records(out)[0]["results"] == [refused]


def test_a_refused_decoder_that_comes_first_is_recorded_by_itself(tmp_path):
    ended = ablate_here(*flags(decoder=[HYPHEN, "greedy"]), "--out", tmp_path)
    assert ended.returncode == 1
    assert [path.stem for path in tmp_path.glob("*/results/*.json")] == ["greedy"]
    [record] = records(tmp_path)
    assert record["results"] == list(record["decoder_failures"]) and "greedy" not in record["results"]
    assert "'-'" in record["error"]


def test_the_record_keeps_the_reasons_of_decoders_that_failed_at_an_earlier_start(tmp_path):
    for decoders in ([HYPHEN, "greedy"], [HYPHEN, "beam_cpp:pattern='[0-9+]{2}'", "greedy"]):
        assert ablate_here(*flags(decoder=decoders), "--name", "two", "--out", tmp_path).returncode == 1
    [record] = records(tmp_path)
    assert len(record["decoder_failures"]) == 2
    assert "'-'" in record["error"] and "'+'" in record["error"]


def test_a_failed_training_after_a_refused_decoder_is_the_models_failure(tmp_path, capsys):
    grid = [*flags(decoder=[HYPHEN, "greedy"], lr="1e30"), "--name", "wild", "--out", str(tmp_path)]
    assert ablate_here(*grid).returncode == 1
    [record] = records(tmp_path)
    assert len(record["results"]) == 2 and record["decoder_failures"] == {}
    assert "'-'" not in record["error"]
    assert plan_of(capsys, tmp_path, *grid[:-2])["trials"][0]["stage"] == "failed"


def test_each_decoder_that_fails_has_its_own_error(tmp_path):
    installed = plugin(tmp_path / "site", "brittle", BROKEN)
    grid = flags(decoder=["mute", "greedy", "hoarse"])
    ended = ablate_here(*grid, "--out", tmp_path / "runs", plugins=[installed])
    assert ended.returncode == 1
    [record] = records(tmp_path / "runs")
    mute, hoarse = "ValueError('mute')", "LookupError('hoarse')"
    assert mute in record["decoder_failures"]["mute"] and hoarse in record["decoder_failures"]["hoarse"]
    assert mute not in record["decoder_failures"]["hoarse"] and len(record["decoder_failures"]) == 2
    assert mute in record["error"] and hoarse in record["error"]
    assert 'ValueError("mute")' in record["traceback"] and 'LookupError("hoarse")' in record["traceback"]
    assert "hoarse" in ended.stderr and "hoarse" in ended.stdout


def test_other_decoders_run_after_a_failed_one_with_fewer_test_images_than_requested(tmp_path):
    """A data set with fewer test images than requested is used completely."""
    for split, count in {"train": 40, "val": 8, "test": 5}.items():
        (tmp_path / "pictures" / split).mkdir(parents=True)
        for number in range(count):
            picture = Image.new("L", (60, 24), number)
            picture.save(tmp_path / "pictures" / split / f"{number % 10}{number % 7}-{number}.png")
    installed = plugin(tmp_path / "site", "brittle", BROKEN)
    dataset = f"folder:path='{tmp_path / 'pictures'}',label=before-dash,width=60,height=24"
    grid = [*flags(dataset=dataset, decoder=["mute", "greedy"]), "--out", tmp_path / "runs"]
    ended = ablate_here(*grid, plugins=[installed])
    assert ended.returncode == 1
    assert [record["results"] for record in records(tmp_path / "runs")] == [["mute"]], ended.stderr
    [path] = (tmp_path / "runs").glob("*/results/*.json")
    assert path.stem == "greedy"
    score = json.loads(path.read_text())["score"]
    assert score["images"] == 5 < SETTINGS["test_samples"]
    # Results of another number of test images are not used.
    other = [
        *flags(dataset=dataset, decoder=["mute", "beam_cpp"], test_samples=2),
        "--out",
        tmp_path / "runs",
    ]
    assert ablate_here(*other, plugins=[installed]).returncode == 1
    [path] = (tmp_path / "runs").glob("*/results/beam_cpp.json")
    assert json.loads(path.read_text())["score"]["images"] == 2


def test_a_failed_training_is_not_recorded_as_failed_decoders(tmp_path, capsys):
    """Once the model is trained, by another command, each decoder is run."""
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
