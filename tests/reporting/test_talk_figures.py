"""The talk's figures beside runs of its presets."""

from __future__ import annotations

from ctcbench.reporting.build_report import build_report
from tests.reporting.report_cases import a_run, warned


def test_rows_of_the_talks_presets_have_its_figures(tmp_path):
    talk = {
        "backbone": "cnn3:norm=none", "head": "bilstm2", "decoder": "beam_cpp:blank_penalty=2.0",
        "shortcut": "none",
        "train_samples": 8100, "val_samples": 900, "test_samples": 1000, "epochs": 30, "batch_size": 32,
        "lr": 0.001, "schedule": "constant", "warmup": 0.0, "weight_decay": 0.0, "clip": 0.0,
        "blank_penalty": 2.0, "blank_penalty_schedule": "constant",
        "optimizer": "adamw", "loss": "ctc",
    }  # fmt: skip
    (row,) = build_report([a_run(tmp_path / "a", **talk)]).rows
    assert row.talk.preset == "talk-10k" and row.talk.metrics["edit_distance"] == 3.22 and not row.talk.scaled
    report = build_report([a_run(tmp_path / "b", **{**talk, "train_samples": 810, "epochs": 3})])
    assert "train_samples 8100 → 810, epochs 30 → 3" in warned(report, "scaled")[0]
    for other in ({"lr": 0.003}, {"dataset": "captcha:alphabet=digits"}, {"backbone": "cnn3"}):
        assert build_report([a_run(tmp_path / "c", **{**talk, **other})]).rows[0].talk is None
