"""Predictions are read as they are stored, and only if they belong to the result."""

from __future__ import annotations

import json

from ctcbench.reporting.build_report import build_report
from ctcbench.reporting.training_histories import points
from tests.reporting.report_cases import a_run, targets, warned


def test_results_without_predictions_are_reported_but_not_tested(tmp_path):
    results = [a_run(tmp_path, lr=0.003), a_run(tmp_path, lr=0.001, keep_texts=False)]
    report = build_report(results)
    assert len(report.rows) == 2 and not report.comparisons
    (text,) = warned(report, "no predictions")
    assert f"`ctcbench decode {results[1].folder} --decoder beam_cpp` stores them" in text


def test_predictions_of_another_result_are_not_used(tmp_path):
    result = a_run(tmp_path, 0.9)
    path = result.folder / "predictions" / "beam_cpp.json"
    document = json.loads(path.read_text())
    for change in (
        {"texts": document["targets"]},
        {"fingerprint": "other"},
        {"targets": ["a"]},
        {"format": "?"},
    ):
        path.write_text(json.dumps(document | change))
        assert build_report([result]).rows[0].members[0].predictions is None
    path.write_text(json.dumps(document)[:500])
    assert build_report([result]).rows[0].members[0].predictions is None


def test_predictions_without_a_character_are_not_used(tmp_path):
    results = [a_run(tmp_path, texts=targets(), lr=lr) for lr in (0.003, 0.001)]
    for result in results:
        path = result.folder / "predictions" / "beam_cpp.json"
        document = json.loads(path.read_text())
        empty = [""] * len(document["texts"])
        path.write_text(json.dumps(document | {"texts": empty, "targets": empty}))
    report = build_report(results)
    assert len(report.rows) == 2 and not report.comparisons


def test_points_of_curves_that_would_overflow_are_left_out():
    records = [
        {"step": 10**400, "loss": 1.0},
        {"step": -1, "loss": 1.0},
        {"step": 1, "loss": 1.7e308},
        {"step": 2, "loss": 1.5},
    ]
    assert points(records, "loss") == [(2, 1.5)]
