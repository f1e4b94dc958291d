"""Warnings: seeds, images, hardware and versions."""

from __future__ import annotations

from ctcbench.reporting.build_report import build_report
from tests.reporting.report_cases import a_run, readings, targets, warned


def test_different_test_sets_are_not_compared_but_listed(tmp_path):
    a = a_run(tmp_path, lr=0.003)
    b = a_run(tmp_path, lr=0.001, fingerprint="images-2")
    report = build_report([a, b])
    assert not report.comparisons
    (text,) = warned(report, "test sets")
    assert "images-1" in text and "images-2" in text and "row" in text


def test_warnings_about_hardware_and_versions(tmp_path):
    other = {
        "host": {"cpu": "x", "gpu": "A GPU", "cores": 8},
        "versions": {"ctcbench": "0.1.0", "torch": "2.9.0"},
        "plugins": {"builtin": "0.1.0", "dwsep": "0.2"},
    }
    report = build_report([a_run(tmp_path, lr=0.003), a_run(tmp_path, lr=0.001, provenance=other)])
    (hardware,) = warned(report, "hardware")
    assert "A GPU" in hardware and "A CPU, 2 cores" in hardware
    versions = " ".join(warned(report, "versions"))
    assert "torch differs: 2" in versions and "dwsep differs" in versions and "ctcbench" not in versions


def test_warnings_about_few_seeds_few_images_and_unbalanced_seeds(tmp_path):
    few = targets(16)
    results = [a_run(tmp_path, seed=seed, lr=0.003, truth=few) for seed in (0, 1)]
    results.append(a_run(tmp_path, seed=0, lr=0.001, truth=few))
    report = build_report(results)
    assert len(warned(report, "few seeds")) == 2
    assert "fewer than 100" in warned(report, "few images")[0]
    assert "different seeds: " in warned(report, "unbalanced")[0]


def test_seeds_of_equal_scores_do_not_show_how_certain_a_score_is(tmp_path):
    same = readings(targets(), 0.5, 1)
    results = [a_run(tmp_path, seed=seed, lr=0.003, texts=same) for seed in (0, 1, 2)]
    results += [a_run(tmp_path, 0.5, seed=seed, lr=0.001) for seed in (0, 1, 2)]
    results += [a_run(tmp_path, 0.0, seed=seed, lr=0.1) for seed in (0, 1, 2)]
    report = build_report(results)
    (text,) = warned(report, "equal seeds")
    number = next(row.number for row in report.rows if row.axes["lr"] == "0.003")
    assert text == f"row {number}: all seeds have the same score, so the interval shows no uncertainty"


def test_warnings_about_images_that_were_left_out_or_cannot_be_read(tmp_path):
    data = {
        "fingerprint": "images-1",
        "left_out": {"train": 3, "val": 0, "test": None},
        "too_long": 2,
        "unreadable": 5,
    }
    results = [a_run(tmp_path, lr=0.003), a_run(tmp_path, 0.1, lr=0.001, provenance={"data": data})]
    report = build_report(results)
    (left_out,), (too_long,) = warned(report, "left out"), warned(report, "too long")
    assert left_out == "row 2: images that could not be used are left out: 3 train"
    assert too_long == "row 2: 2 test texts are too long for its frames, and count as errors"
    (foreign,) = warned(report, "not in alphabet")
    assert foreign == "row 2: 5 test texts have characters that its alphabet lacks, and count as errors"
