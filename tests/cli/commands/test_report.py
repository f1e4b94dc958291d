"""`ctcbench report` on real runs: two seeds and two decoders of a tiny model."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ctcbench.__main__ import main
from tests.cli.cli_cases import TINY


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("study")
    for seed in ("0", "1"):
        assert main(["run", *TINY, "--seed", seed, "--out", str(out)]) == 0
    for run in out.iterdir():
        assert main(["decode", str(run), "--decoder", "beam:width=3"]) == 0
    return out


def document(capsys, *arguments: str) -> dict:
    capsys.readouterr()
    assert main(["report", *arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_rows_are_configurations_and_tests_are_paired(study, capsys):
    found = document(capsys, str(study))
    assert found["axes"] == ["decoder"]
    assert [row["n"] for row in found["rows"]] == [2, 2]
    (comparison,) = found["comparisons"]
    assert comparison["images"] == found["rows"][0]["runs"][0]["score"]["images"]
    assert comparison["seeds"]["what"]


def test_results_without_stored_predictions_are_not_decoded_again(study, capsys, tmp_path):
    runs = shutil.copytree(study, tmp_path / "runs")
    kept = {path: path.read_bytes() for path in runs.glob("*/predictions/*.json")}
    assert len(kept) == 4
    for path in kept:
        path.unlink()
    before = sorted(runs.rglob("*"))
    found = document(capsys, str(runs))
    assert len(found["rows"]) == 2 and found["comparisons"] == []
    (warning,) = [w["text"] for w in found["warnings"] if w["kind"] == "no predictions"]
    assert sorted(runs.rglob("*")) == before, "a report writes nothing"
    # The command of the warning stores them.
    for run in runs.iterdir():
        for decoder in ("beam:width=3", "greedy"):
            assert main(["decode", str(run), "--decoder", decoder]) == 0
    assert f"`ctcbench decode {runs}" in warning and "--decoder" in warning
    assert len(document(capsys, str(runs))["comparisons"]) == 1


def test_folders_given_twice_count_once(study, capsys):
    found = document(capsys, str(study), str(study), str(study / "."), str(next(study.iterdir())))
    assert [row["n"] for row in found["rows"]] == [2, 2]
    assert not [w for w in found["warnings"] if w["kind"] == "repeated"]


def plan_study(out: Path, name: str, runs: dict[str, list[str]]) -> Path:
    """Write the plan of a study with these results, keys by the name of the run folder."""
    folder = out / "studies" / name
    folder.mkdir(parents=True)
    models = [{"key": run, "names": dict.fromkeys(keys, "a name")} for run, keys in runs.items()]
    (folder / "plan.json").write_text(json.dumps({"schema": 1, "models": models}))
    return folder


def test_a_study_is_reported_without_the_other_runs_beside_it(study, capsys, tmp_path, monkeypatch):
    out = shutil.copytree(study, tmp_path / "runs")
    one, other = sorted(path.name for path in out.iterdir())
    key = "greedy"
    narrow = plan_study(out, "one [x]", {one: [key], "missing": [key]})
    found = document(capsys, str(narrow))
    assert [row["n"] for row in found["rows"]] == [1] and found["axes"] == []
    assert "study one [x]: 1 of 2 configurations have no result" in stderr_of_report(capsys, narrow)
    wide = plan_study(out, "two", {other: [key], one: [key]})
    assert [row["n"] for row in document(capsys, str(wide), str(narrow))["rows"]] == [2]
    monkeypatch.chdir(wide)
    assert [row["n"] for row in document(capsys, ".")["rows"]] == [2]
    # A run that is given itself has all of its results.
    assert [row["n"] for row in document(capsys, str(wide), str(out / one))["rows"]] == [2, 1]


def test_failed_trials_of_other_studies_are_not_those_of_a_study(study, capsys, tmp_path):
    out = shutil.copytree(study, tmp_path / "runs")
    run = next(out.iterdir()).name
    for name, failed in (("good", "other"), ("bad", "missing")):
        folder = plan_study(out, name, {run: ["greedy"], "missing": ["greedy"]})
        (folder / "trials").mkdir()
        trial = {"key": failed, "state": "failed", "error": f"error of {name}"}
        (folder / "trials" / f"{failed}.json").write_text(json.dumps(trial))
    assert document(capsys, str(out / "studies" / "good"))["failures"] == []
    (failure,) = document(capsys, str(out / "studies" / "bad"))["failures"]
    assert failure["error"] == "error of bad"
    assert len(document(capsys, str(out))["failures"]) == 2


def test_what_two_of_the_folders_record_is_listed_once(study, capsys, tmp_path):
    out = shutil.copytree(study, tmp_path / "runs")
    for name, finished in (("one", "2026-01-01"), ("two", "2026-01-02")):
        folder = plan_study(out, name, {"missing": ["greedy"]})
        (folder / "trials").mkdir()
        trial = {"key": "missing", "state": "failed", "error": f"error of {name}", "finished": finished}
        (folder / "trials" / "missing.json").write_text(json.dumps(trial))
    one, two = out / "studies" / "one", out / "studies" / "two"
    for given in ([out, one], [one, out, two, out / "."], [two, one]):
        (failure,) = document(capsys, *map(str, given))["failures"]
        assert failure["error"] == "error of two"  # the latest
        lines = stderr_of_report(capsys, *given).splitlines()
        assert sum("study one: 1 of 1" in line for line in lines) == 1
        assert sum("study two: 1 of 1" in line for line in lines) == 1


def test_a_study_whose_plan_is_damaged_is_an_error(study, capsys, tmp_path):
    out = shutil.copytree(study, tmp_path / "runs")
    folder = plan_study(out, "one", {})
    assert main(["report", str(folder)]) == 2
    assert "no results; there are runs in" in capsys.readouterr().err
    (folder / "plan.json").write_text("{")
    assert main(["report", str(folder)]) == 2
    line = f"{folder}: its plan.json can't be read; give {out} for all of its runs"
    assert line in capsys.readouterr().err


def stderr_of_report(capsys, *folders: Path) -> str:
    capsys.readouterr()
    assert main(["report", *map(str, folders), "--json"]) == 0
    return capsys.readouterr().err


def test_by_chooses_the_settings_that_define_a_row(study, capsys):
    assert document(capsys, str(study), "--by", "backbone, batch-size", "--by", "seed")["axes"] == [
        "backbone", "batch_size", "seed",
    ]  # fmt: skip
    assert main(["report", str(study), "--by", "bakbone"]) == 2
    assert "did you mean 'backbone'?" in capsys.readouterr().err
    assert main(["report", str(study), "--by", "backbone,"]) == 2
    assert "expected settings separated by commas" in capsys.readouterr().err


def test_another_schema_among_good_ones_is_named(study, capsys, tmp_path):
    runs = shutil.copytree(study, tmp_path / "runs")
    path = sorted(runs.glob("*/results/*.json"))[0]
    path.write_text(json.dumps(json.loads(path.read_text()) | {"schema": 2}))
    assert main(["verify", str(path.parents[1]), "--accept"]) == 0
    capsys.readouterr()
    words = "schema 2, but this ctcbench reads schema 1"
    assert main(["report", str(runs)]) == 1
    shown = capsys.readouterr()
    assert f"leftout:{path}" in "".join(shown.out.split()) and "95 % interval" in shown.out
    assert not shown.err  # on a terminal, once is enough
    for form in ("md", "latex", "csv", "json", "html"):
        assert main(["report", str(runs), "--format", form]) == 1
        shown = capsys.readouterr()
        assert shown.err == f"ctcbench report: {path}: {words}\n"
        assert (words in shown.out) == (form != "csv")


FORMATS = """
import sys
from ctcbench.__main__ import main
for form in ("table", "md", "csv", "latex", "json", "svg"):
    code = main(["report", sys.argv[1], "--format", form])
    print(form, code, sorted({"jinja2", "PIL", "torch"} & set(sys.modules)), file=sys.stderr)
"""


def test_formats_other_than_html_import_nothing_of_the_page(study):
    ended = subprocess.run([sys.executable, "-c", FORMATS, study], capture_output=True, text=True)
    assert ended.stderr.splitlines() == [
        f"{form} 0 []" for form in ("table", "md", "csv", "latex", "json", "svg")
    ]


def test_latex_needs_nothing_but_booktabs(study, capsys):
    assert main(["report", str(study), "--format", "latex"]) == 0
    text = capsys.readouterr().out
    assert text.startswith("% ctcbench report; needs \\usepackage{booktabs}\n") and r"\toprule" in text
