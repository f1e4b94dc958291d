"""The report in CSV and JSON."""

from __future__ import annotations

import csv
import io
import json

import pytest

from ctcbench.reporting.build_report import build_report
from ctcbench.reporting.formats.csv_json import exact_cell, spreadsheet_cell, to_csv, to_json
from tests.reporting.report_cases import a_run


def test_csv_has_all_values_in_full_precision(report):
    records = list(csv.DictReader(io.StringIO(to_csv(report))))
    assert len(records) == 8
    for record, row in zip(records, report.rows, strict=True):
        exact = row.metrics["exact"]
        assert float(record["exact"]) == exact.mean and float(record["exact_sd"]) == exact.sd
        assert (float(record["exact_low"]), float(record["exact_high"])) == exact.interval
        assert tuple(map(float, record["exact_values"].split(";"))) == exact.values
        assert record["seeds"] == "0;1;2" and record["backbone"] == row.axes["backbone"]
        assert float(record["train_seconds"]) == row.cost["train_seconds"].mean
        assert record["better_than"] == ";".join(map(str, row.better_than))
        assert record["joules"] == "7|8" and len(record["runs"].split(";")) == 3


@pytest.mark.parametrize(
    ("text", "exact", "in_a_report"),
    [
        (" 12 ", " 12 ", "12"),
        ("\u3000a\u200cb\xa0", "\u3000a\u200cb\xa0", "a\\u200cb"),
        ("=1+1", "'=1+1", "'=1+1"),
        (" =1+1", "' =1+1", "'=1+1"),
        ("\t=1+1", "\\t=1+1", "'=1+1"),
        ("\u3000@x", "'\u3000@x", "'@x"),
        (" - ", " - ", "-"),
        (" -1.5", " -1.5", "-1.5"),
        ("a\nb\x1b", "a\\nb\\x1b", "a; b\\x1b"),
    ],
)
def test_cells_are_no_formulas(text, exact, in_a_report):
    assert (exact_cell(text), spreadsheet_cell(text)) == (exact, in_a_report)
    assert exact_cell(-0.5) == spreadsheet_cell(-0.5) == -0.5


def test_json_has_the_whole_report(report):
    document = json.loads(to_json(report))
    assert document["schema"] == 1 and document["axes"] == ["backbone", "head", "decoder"]
    assert [row["number"] for row in document["rows"]] == list(range(1, 9))
    row = document["rows"][0]
    assert row["metrics"]["exact"]["mean"] == report.rows[0].metrics["exact"].mean
    assert row["runs"][0]["config"]["backbone"] == "cnn3" and row["runs"][0]["schema"] == 1
    assert len(document["comparisons"]) == 28 and document["comparisons"][0]["exact"]["p_holm"] <= 1
    assert {effect["axis"] for effect in document["effects"]} == {"backbone", "head", "decoder"}
    assert document["damaged"] == ["x.json: damaged"]
    assert document["failures"][0]["error"] == "out of memory"
    assert all(warning["kind"] and warning["text"] for warning in document["warnings"])


def test_numbers_that_are_not_finite_become_null(tmp_path):
    result = a_run(tmp_path)
    result.provenance["odd"] = float("nan")  # JSON written elsewhere can have it
    document = json.loads(to_json(build_report([result])), parse_constant=pytest.fail)
    assert document["rows"][0]["runs"][0]["provenance"]["odd"] is None
