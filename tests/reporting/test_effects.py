"""Main effects of the axes."""

from __future__ import annotations

import pytest

from ctcbench.reporting.build_report import build_report
from tests.reporting.report_cases import a_run, read_again, warned


def test_main_effects(grid):
    report = build_report(grid)
    effects = {(e.axis, e.metric): e for e in report.effects}
    backbone = effects["backbone", "exact"]
    assert (backbone.baseline, backbone.level, backbone.seeds, backbone.pairs) == ("cnn2", "cnn3", 5, 20)
    assert backbone.difference == pytest.approx(0.3, abs=0.05) and not backbone.within_noise
    assert effects["backbone", "cer"].difference < 0
    assert effects["head", "exact"].within_noise
    assert any("head" in text for text in warned(report, "noise"))


def test_results_on_other_test_images_are_no_baseline(tmp_path):
    for number, backbone in enumerate(("cnn2", "cnn3")):
        for seed in (0, 1):
            a_run(tmp_path, seed=seed, backbone=backbone, fingerprint=f"images-{number}")
    assert build_report(read_again(tmp_path)).effects == ()
    for seed in (0, 1):
        a_run(tmp_path, seed=seed, backbone="cnn2", lr=0.1, fingerprint="images-1")
    effects = build_report(read_again(tmp_path), by=["backbone"]).effects
    assert {(e.axis, e.pairs) for e in effects} == {("backbone", 2)}
