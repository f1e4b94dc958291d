"""Run folders of other people, malformed or malicious: reported as far as possible, all texts escaped."""

from __future__ import annotations

import csv
import io
import json
import shutil

import pytest
from rich.console import Console

from ctcbench.__main__ import main
from ctcbench.cli.views.run_report import run_report
from ctcbench.contract.errors import CtcbenchError
from ctcbench.contract.hooks import Column
from ctcbench.evaluation.score import Score
from ctcbench.reporting.build_report import build_report
from ctcbench.reporting.formats.csv_json import to_csv
from ctcbench.reporting.formats.file_formats import FILE_FORMATS
from ctcbench.reporting.formats.html.training_curves import training_curves
from ctcbench.reporting.formats.markdown import to_markdown
from ctcbench.reporting.study_records import find_failures, find_studied
from ctcbench.results.predictions import Predictions
from ctcbench.results.run_folder import RunFolder
from ctcbench.results.stored_results import find_results
from tests.reporting.report_cases import a_run, readings, targets

FORMATS = ("table", *FILE_FORMATS)
METRICS = '{"kind": "steps", "step": 1, "loss": 3.5}\n{"kind": "epoch", "step": 2, "val_exact": 0.5}\n'


def changed(path, part="config", **values):
    """Change values in a stored result file."""
    document = json.loads(path.read_text())
    document[part] |= values
    path.write_text(json.dumps(document))


def reported(capsys, runs, form):
    capsys.readouterr()
    code = main(["report", str(runs), "--format", form])
    return code, capsys.readouterr()


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("evil", ["\x1b[31mred", "\x9b31mred", "\ud800 alone", "a\u202eb", "two\nlines"])
def test_control_characters_are_escaped_in_every_format(tmp_path, capsys, monkeypatch, form, evil):
    monkeypatch.setenv("COLUMNS", "300")
    for lr in (0.1, 0.2):
        result = a_run(tmp_path, lr=lr)
        changed(result.path, "provenance", host={"gpu": f"{evil} {lr}"})
        changed(result.path, dataset=evil if lr == 0.1 else "captcha", **{f"odd {evil}": lr})
        (result.folder / "metrics.jsonl").write_text(METRICS)
    code, shown = reported(capsys, tmp_path, form)
    assert code == 0, shown.err
    assert all(line.isprintable() for line in shown.out.split("\n"))
    if form == "json":
        assert evil in (row["axes"]["dataset"] for row in json.loads(shown.out)["rows"])


def test_markdown_escapes_links(tmp_path):
    link = "[x](http://example.org)&lt;b>"
    report = build_report([a_run(tmp_path, lr=0.1), a_run(tmp_path, lr=0.2)], columns=[Column(link, str)])
    assert "\\[x\\](http://example.org)&amp;lt;b>" in to_markdown(report)
    assert "[x]" not in to_markdown(report).replace("\\[", "").replace("\\]", "")


def test_texts_that_look_like_formulas_are_quoted_in_csv(tmp_path):
    texts = ['=HYPERLINK("http://example.org")', "@x", "+cmd|' /C calc'!A0", "-2+3", "-2.5", "-1;2", "a=b"]
    columns = [Column(f"={i}", lambda _, text=text: text) for i, text in enumerate(texts)]
    (record,) = csv.DictReader(io.StringIO(to_csv(build_report([a_run(tmp_path)], columns=columns))))
    found = [record[f"'={i}"] for i in range(len(texts))]
    assert found == [f"'{text}" for text in texts[:4]] + texts[4:]


def test_a_plugin_column_with_the_name_of_a_field_is_renamed_in_csv(tmp_path):
    names = ("n", "exact", "row", "runs", "lr", "joules")
    columns = [Column(name, lambda _, name=name: f"my {name}") for name in names]
    results = [a_run(tmp_path, lr=0.1), a_run(tmp_path, lr=0.2)]
    for record in csv.DictReader(io.StringIO(to_csv(build_report(results, columns=columns)))):
        assert record["n"] == "1" and float(record["exact"]) <= 1 and record["lr"] in ("0.1", "0.2")
        assert record["row"] in "12" and record["runs"].startswith(str(tmp_path))
        assert record["joules"] == "my joules"
        assert all(record[f"plugin_{name}"] == f"my {name}" for name in names[:-1])


def test_a_setting_with_the_name_of_a_field_is_renamed_in_csv(tmp_path):
    for lr in (0.1, 0.2):
        changed(a_run(tmp_path, lr=lr).path, exact=lr)
    results = [result for run in tmp_path.iterdir() for result in find_results(RunFolder(run))[0]]
    for record in csv.DictReader(io.StringIO(to_csv(build_report(results, by=["exact"])))):
        assert record["setting_exact"] in ("0.1", "0.2") and float(record["exact"]) > 0.8


@pytest.mark.parametrize("key", ["/etc", "../elsewhere", "a/b", "a\0b", "a" * 300])
def test_keys_that_lead_out_of_the_folder_are_ignored(tmp_path, key):
    elsewhere = a_run(tmp_path, folder="elsewhere")
    trials = tmp_path / "out" / "studies" / "one" / "trials"
    trials.mkdir(parents=True)
    trial = {"state": "failed", "error": "out of memory", "results": ["greedy"]}
    for number, name in enumerate((key, str(elsewhere.folder))):
        (trials / f"{number}.json").write_text(json.dumps(trial | {"key": name}))
    (trials / "good.json").write_text(json.dumps(trial | {"key": "good"}))
    (failure,) = find_failures(tmp_path / "out")
    assert failure.folder.name == "good"
    plan = {"models": [{"key": key, "names": {"greedy": "x"}}, {"key": "good", "names": {key: "x"}}]}
    (trials.parent / "plan.json").write_text(json.dumps(plan))
    assert find_studied(tmp_path / "out") == {}


@pytest.mark.parametrize("form", FORMATS)
def test_files_not_named_like_a_result_are_left_out(tmp_path, capsys, monkeypatch, form):
    monkeypatch.setenv("COLUMNS", "300")
    result = a_run(tmp_path, decoder="greedy")
    (result.folder / "metrics.jsonl").write_text(METRICS)
    shutil.copy(result.path, result.path.with_name("kopie von greedy.json"))
    code, shown = reported(capsys, tmp_path, form)
    assert code == 1 and "bug" not in shown.err and shown.out
    said = shown.out if form == "table" else shown.err
    assert "kopie von greedy.json: not a result's name (expected up to 200 letters" in said


@pytest.mark.parametrize("split", ["../x", "", 3, None, ["test"]])
def test_an_unknown_split_is_an_error(tmp_path, capsys, split):
    result = a_run(tmp_path, lr=0.1)
    path = result.folder / "predictions" / result.path.name
    path.write_text(json.dumps(json.loads(path.read_text()) | {"split": split}))
    with pytest.raises(CtcbenchError, match="split: expected 'train', 'val' or 'test'"):
        Predictions.parse(path.read_bytes(), path)
    code, shown = reported(capsys, tmp_path, "html")
    assert code == 1 and shown.out.startswith("<!doctype html>") and "split: expected" in shown.err
    with pytest.raises(CtcbenchError, match=r"score\.split: expected 'train', 'val' or 'test'"):
        Score.from_json(result.score.to_json() | {"split": split})


def test_curves_ignore_values_that_are_not_finite_numbers(tmp_path):
    result = a_run(tmp_path)
    values = ("true", '"x"', "null", "9" * 400, "0.5")
    lines = [
        f'{{"kind": "epoch", "step": {i}, "val_exact": {v}, "val_loss": {v}}}' for i, v in enumerate(values)
    ]
    (result.folder / "metrics.jsonl").write_text("\n".join(lines) + "\n")
    (curve,) = training_curves(build_report([result]).rows)
    assert curve["exact"] == curve["loss"] == [[4, 0.5, 0.5, 0.5]]


@pytest.mark.parametrize("number", ["NaN", "-Infinity", "1e999"])
def test_metrics_that_are_not_json_are_named(tmp_path, capsys, number):
    result = a_run(tmp_path)
    (result.folder / "metrics.jsonl").write_text(f'{{"kind": "epoch", "val_exact": {number}}}\n' + METRICS)
    code, shown = reported(capsys, tmp_path, "md")
    assert code == 1 and "metrics.jsonl: line 1 is damaged" in shown.err


@pytest.mark.parametrize("words", ["[/tmp/words]", "[a]", "[bold]x", "\x1b[31mred"])
def test_brackets_are_not_markup_in_the_run_report(tmp_path, words):
    result = a_run(tmp_path, texts=readings(targets(), 0.9, 0), provenance={"host": {"gpu": words}})
    result.config["decoder"] = f"lexicon:path={words}"
    console = Console(file=io.StringIO(), width=200, color_system=None)
    for part in run_report(result, result.folder, columns=[Column(words, lambda _: words)]):
        console.print(part)
    said = console.file.getvalue()
    assert said.count(words.replace("\x1b", "\\x1b")) >= 4 and "\x1b" not in said
