"""One entry adds a metric or a column to every format; results older than a metric have empty cells."""

from __future__ import annotations

import csv
import dataclasses
import io
import json

import pytest
from rich.console import Console

from ctcbench.evaluation import metrics
from ctcbench.evaluation.metrics import METRICS, Metric, mean
from ctcbench.evaluation.score import Score
from ctcbench.reporting import columns
from ctcbench.reporting.build_report import build_report
from ctcbench.reporting.formats.csv_json import to_csv, to_json
from ctcbench.reporting.formats.html.page import html_page
from ctcbench.reporting.formats.latex import to_latex
from ctcbench.reporting.formats.markdown import to_markdown
from ctcbench.reporting.formats.terminal import report_table
from ctcbench.reporting.report_column import ReportColumn
from ctcbench.reporting.tables import result_table
from tests.reporting.report_cases import a_run


def terminal(report, width=400):
    console = Console(file=io.StringIO(), width=width, color_system=None)
    for part in report_table(report, width):
        console.print(part)
    return console.file.getvalue()


def every_text(report, registry):
    """Return the report in the formats for readers."""
    return {
        "terminal": terminal(report),
        "markdown": to_markdown(report),
        "latex": to_latex(report),
        "html": html_page(report, registry),
    }


def test_a_new_column_is_one_entry(tmp_path, registry, monkeypatch):
    entry = ReportColumn(
        "hours",
        lambda row: f"{row.cost['train_seconds'].mean / 3600:.4f}",
        lambda row: row.cost["train_seconds"].mean / 3600,
        help="training time in hours",
        latex="cost",
    )
    monkeypatch.setattr(columns, "COLUMNS", (*columns.COLUMNS, entry))
    report = build_report([a_run(tmp_path, lr=lr, seed=seed) for lr in (0.1, 0.2) for seed in (0, 1)])
    for name, text in every_text(report, registry).items():
        assert "hours" in text and "0.0168" in text, name
    assert 'title="training time in hours"' in html_page(report, registry)
    for record in csv.DictReader(io.StringIO(to_csv(report))):
        assert float(record["hours"]) == pytest.approx(60.5 / 3600)
    assert [row["hours"] for row in json.loads(to_json(report))["rows"]] == [60.5 / 3600] * 2


def test_a_new_metric_is_one_entry(tmp_path, registry, monkeypatch):
    entry = Metric("first_right", "first", "first characters that are right",
                   lambda prediction, target: prediction[:1] == target[:1], mean, highest=1.0)  # fmt: skip
    monkeypatch.setattr(metrics, "METRICS", (*METRICS, entry))
    report = build_report([a_run(tmp_path, lr=lr, texts=("0" * 5,) * 400) for lr in (0.1, 0.2)])
    value = report.rows[0].metrics["first_right"].mean
    assert 0 < value < 0.2
    for name, text in every_text(report, registry).items():
        assert f"{value * 100:.2f}" in text, name
        assert ("first \\%" if name == "latex" else "first %") in text, name
    (record, _) = csv.DictReader(io.StringIO(to_csv(report)))
    assert float(record["first_right"]) == value and record["first_right_low"]
    assert json.loads(to_json(report))["rows"][0]["metrics"]["first_right"]["mean"] == value
    assert json.loads(to_json(report))["rows"][0]["runs"][0]["score"]["first_right"] == value


@pytest.mark.parametrize("metric", ["cer", "edit_distance", "exact_folded"])
def test_a_result_older_than_a_metric_has_an_empty_cell(tmp_path, registry, metric):
    def older(result):
        score = {k: v for k, v in result.score.to_json().items() if k not in (metric, f"{metric}_ci")}
        return dataclasses.replace(result, score=Score.from_json(score))

    report = build_report([older(a_run(tmp_path, lr=lr, seed=s)) for lr in (0.1, 0.2) for s in (0, 1)])
    every_text(report, registry)
    table = result_table(report)
    header = next(entry.header for entry in METRICS if entry.name == metric)
    if header in table.headers:
        assert {line[table.headers.index(header)] for line in table.lines} == {""}
    assert {record[metric] for record in csv.DictReader(io.StringIO(to_csv(report)))} == {""}
    assert {row["metrics"][metric] for row in json.loads(to_json(report))["rows"]} == {None}


def test_a_metric_that_some_results_have_is_averaged_over_those(tmp_path):
    old, new = a_run(tmp_path, seed=0), a_run(tmp_path, 0.5, seed=1)
    score = {k: v for k, v in old.score.to_json().items() if k != "cer"}
    old = dataclasses.replace(old, score=Score.from_json(score))
    (row,) = build_report([old, new]).rows
    assert row.metrics["cer"].values == (None, new.score.cer) and row.metrics["cer"].mean == new.score.cer
    assert row.n == 2


def test_narrow_terminals_leave_out_columns_in_the_order_of_priority(tmp_path):
    results = [a_run(tmp_path, lr=lr, seed=seed) for lr in (0.1, 0.2) for seed in (0, 1)]
    report = build_report(results)
    order = [column.header for column in result_table(report).by_priority()]
    assert order[:4] == ["best run", "edit distance", "char %", "plateau left"] and order[-1] == "collapsed"
    shown = [
        {
            header
            for header in result_table(report).headers
            if header in terminal(report, width).split("\n\n")[0]
        }
        for width in (300, 160, 120, 80)
    ]
    assert shown[0] > shown[1] > shown[2] > shown[3] >= {"#", "lr", "exact %", "95 % interval"}
    # No configuration is better than another here, and a narrow table loses empty columns first.
    assert "better than" in shown[0] - shown[3]
