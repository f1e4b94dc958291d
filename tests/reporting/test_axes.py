"""Axes: configurations that a study's plan names are shown by their name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ctcbench.config.presets import read_preset
from ctcbench.config.run_config import setting_fields
from ctcbench.contract.errors import UsageError
from ctcbench.reporting.build_report import build_report
from ctcbench.reporting.study_records import find_studied
from tests.reporting.report_cases import a_run

NAMES = ("default", "talk-10k", "talk-overfit2")


def preset_run(out: Path, preset: str, **settings):
    return a_run(out, 0.5 + 0.1 * NAMES.index(preset), **(read_preset(preset, setting_fields()) | settings))


def write_plan(out: Path, presets, name="plan.json", created="2026-01-01"):
    """Write the parts of a study's plan that name presets by result."""
    models = [{"key": result.folder.name, "names": {result.path.stem: preset}} for result, preset in presets]
    path = out / "studies" / "one" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"schema": 1, "created": created, "models": models}))


def report_of(pairs, by=None):
    results = [result for result, _ in pairs]
    return build_report(results, by, studied=find_studied(results[0].folder.parent))


def test_presets_are_an_axis_that_replaces_the_settings_they_determine(tmp_path):
    pairs = [
        (preset_run(tmp_path, name, lr=lr, seed=seed), name)
        for name in NAMES
        for lr in (0.001, 0.01)
        for seed in (0, 1)
    ]
    write_plan(tmp_path, pairs)
    found = report_of(pairs)
    # Two of the presets agree in much, as in the backbone: that is still what presets decide.
    assert found.axes == ("configuration", "lr")
    assert {(row.axes["configuration"], row.axes["lr"]) for row in found.rows} == {
        (name, lr) for name in NAMES for lr in ("0.001", "0.01")
    }
    assert [row.n for row in found.rows] == [2] * 6
    assert not [w.text for w in found.warnings if w.kind == "confounded"]
    assert {(e.axis, e.baseline, e.level) for e in found.effects} >= {
        ("configuration", "default", "talk-10k")
    }


def test_by_preset(tmp_path):
    pairs = [(preset_run(tmp_path, name, lr=lr), name) for name in NAMES for lr in (0.001, 0.01)]
    write_plan(tmp_path, pairs)
    assert report_of(pairs, ["configuration"]).axes == ("configuration",)
    assert [row.axes["configuration"] for row in report_of(pairs, ["configuration"]).rows] == [
        *reversed(NAMES)
    ]
    pooled = report_of(pairs, ["lr"])
    assert "configuration" in next(w.text for w in pooled.warnings if w.kind == "pooled")


def test_if_one_result_has_no_known_preset_the_axes_are_settings(tmp_path):
    pairs = [(preset_run(tmp_path, name), name) for name in NAMES[:2]]
    write_plan(tmp_path, pairs[:1])
    assert "configuration" not in report_of(pairs).axes and "backbone" in report_of(pairs).axes
    with pytest.raises(UsageError, match="--by configuration: no study's plan"):
        report_of(pairs, ["configuration"])


def test_the_newest_plan_is_used_and_damaged_ones_are_ignored(tmp_path):
    pairs = [(preset_run(tmp_path, name), name) for name in NAMES[:2]]
    write_plan(tmp_path, [(result, "mine") for result, _ in pairs], "plan-1.json")
    write_plan(tmp_path, pairs, created="2026-01-02")
    for number, text in enumerate(("{", "[]", '{"models": 3}', '{"models": [4, {"names": []}]}')):
        path = tmp_path / "studies" / f"s{number}" / "plan.json"
        path.parent.mkdir()
        path.write_text(text)
    assert {row.axes["configuration"] for row in report_of(pairs).rows} == {"default", "talk-10k"}


def test_a_single_preset_is_not_an_axis(tmp_path):
    pairs = [(preset_run(tmp_path, "default", lr=lr), "default") for lr in (0.001, 0.01)]
    write_plan(tmp_path, pairs)
    assert report_of(pairs).axes == ("lr",)


def test_a_run_without_an_extra_data_set_has_no_share_of_one(tmp_path):
    extra = {"extra_dataset": "captcha", "extra_share": 0.8}
    results = [a_run(tmp_path, 0.5), a_run(tmp_path, 0.6, **extra)]
    found = build_report(results, None)
    assert found.axes == ("extra_dataset",)
    assert [row.name for row in found.rows] == ["extra_dataset=captcha", 'extra_dataset=""']
    assert not [warning for warning in found.warnings if warning.kind == "confounded"]
    shares = [*results, a_run(tmp_path, 0.7, **{**extra, "extra_share": 0.2})]
    assert build_report(shares, None).axes == ("extra_dataset", "extra_share")
