"""build_report(): axes, repeated results, defaults of new settings, many results."""

from __future__ import annotations

import dataclasses

import pytest

from ctcbench.contract.errors import UsageError
from ctcbench.reporting.build_report import build_report
from tests.reporting.report_cases import a_run, read_again, targets, warned


def test_by_accepts_any_setting_and_nothing_else(grid):
    assert build_report(grid, by=["decoder", "lr", "decoder"]).axes == ("decoder", "lr")
    assert {row.n for row in build_report(grid, by=["seed"]).rows} == {1}
    with pytest.raises(UsageError, match=r"--by bakbone: no such setting.*did you mean 'backbone'"):
        build_report(grid, by=["bakbone"])


def test_an_empty_report():
    report = build_report([], ["backbone"], damaged=["x: damaged"])
    assert (report.rows, report.damaged) == ((), ("x: damaged",))


def test_a_repeated_run_is_used_once(tmp_path):
    a = a_run(tmp_path / "one", 0.9, seed=1)
    b = a_run(tmp_path / "two", 0.8, seed=1, provenance={"started": "2026-02-01T00:00:00+00:00"})
    report = build_report([b, a])
    (row,) = report.rows
    assert row.n == 1 and row.members[0].result == b
    assert str(a.path) in warned(report, "repeated")[0]


def test_settings_that_change_together_are_one_axis(tmp_path):
    results = [
        a_run(tmp_path, seed=s, backbone=b, epochs=e) for s in (0, 1) for b, e in (("cnn2", 3), ("cnn3", 9))
    ]
    report = build_report(results)
    assert report.axes == ("backbone",)
    assert "epochs changes together with backbone" in warned(report, "confounded")[0]
    assert (
        "backbone changes together with the axes"
        in warned(build_report(results, ["epochs"]), "confounded")[0]
    )


def test_settings_newer_than_a_result_have_their_default(tmp_path):
    a, b = a_run(tmp_path, seed=0), a_run(tmp_path, seed=1)
    older = dataclasses.replace(a, config={k: v for k, v in a.config.items() if k != "ema"})
    assert len(build_report([older, b]).rows) == 1


@pytest.fixture(scope="module")
def two_hundred(tmp_path_factory):
    out = tmp_path_factory.mktemp("many")
    truth = targets(200)
    for seed in range(5):
        for epochs in range(1, 6):
            for batch_size in range(1, 9):
                a_run(out, 0.5 + epochs / 12, seed=seed, epochs=epochs, batch_size=batch_size, truth=truth)
    return out


def test_two_hundred_results(two_hundred):
    report = build_report(read_again(two_hundred))
    assert len(report.rows) == 40 and len(report.comparisons) == 780
