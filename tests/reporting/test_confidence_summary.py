"""Confidence of runs: errors of each run by itself, accepted texts, the column of reports."""

import json

import pytest

from ctcbench.reporting.confidence_summary import summarise_confidence
from ctcbench.reporting.formats.csv_json import to_csv, to_json
from ctcbench.reporting.formats.markdown import to_markdown
from tests.reporting.formats.html import html_cases as cases

RIGHT, WRONG = ("1", "1"), ("1", "2")


def test_errors_of_two_runs_in_opposite_directions_do_not_cancel_out(tmp_path):
    modest = cases.member(tmp_path, cases.texts(*[RIGHT] * 10, sure=(0.55,) * 10), seed=0)
    bold = cases.member(tmp_path, cases.texts(*[WRONG] * 10, sure=(0.55,) * 10), seed=1)
    found = summarise_confidence([modest, bold])
    assert (found.texts, found.runs, len(found.bins)) == (20, 2, 1)
    assert found.bins[0].accuracy == 0.5 and found.ece == pytest.approx((0.45 + 0.55) / 2)
    assert found.brier == pytest.approx((0.45**2 + 0.55**2) / 2)


def test_runs_without_confidences_are_left_out(tmp_path):
    old = cases.member(tmp_path, cases.texts(RIGHT), seed=0)
    unscored = cases.member(tmp_path, cases.texts(RIGHT, sure=(None,)), seed=1)
    new = cases.member(tmp_path, cases.texts(RIGHT, WRONG, sure=(0.9, None)), seed=2)
    assert summarise_confidence([old, unscored]) is None
    assert summarise_confidence([old, unscored, new]).texts == 1


def test_accepted_are_the_accuracies_above_that_of_all_texts(tmp_path):
    pairs = [RIGHT] * 96 + [WRONG] * 4
    one = cases.member(tmp_path, cases.texts(*pairs, sure=(0.9,) * 96 + (0.1,) * 4), seed=0)
    accepted = summarise_confidence([one]).accepted
    assert [(wanted, point.coverage) for wanted, point in accepted] == [
        (0.98, 0.96), (0.99, 0.96), (0.995, 0.96), (0.999, 0.96),
    ]  # fmt: skip


def test_reports_have_a_column_if_any_row_has_confidences(tmp_path):
    old = cases.member(tmp_path, cases.texts(RIGHT, WRONG), seed=0)
    new = cases.member(tmp_path, cases.texts(RIGHT, WRONG, sure=(0.9, 0.1)), seed=0)
    rows = [cases.row(1, {"backbone": "a"}, [new]), cases.row(2, {"backbone": "b"}, [old])]
    report = cases.report(rows)
    assert "ECE %" in to_markdown(report) and "| 10.00 |" in to_markdown(report)
    assert to_csv(report).splitlines()[0].count("ece") == 1
    first, second = json.loads(to_json(report))["rows"]
    assert first["confidence"] == {"ece": pytest.approx(0.1), "brier": pytest.approx(0.01)}
    assert second["confidence"] == {}
    assert "ECE" not in to_markdown(cases.report(rows[1:]))
