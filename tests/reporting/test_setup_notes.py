"""Notes below a table: what all rows have in common, and what times were measured on."""

from __future__ import annotations

from ctcbench.reporting.build_report import build_report
from ctcbench.reporting.formats.latex import to_latex
from ctcbench.reporting.formats.markdown import to_markdown
from ctcbench.reporting.setup_notes import decoding_time_note, setup_note, training_time_note
from tests.reporting.report_cases import a_run


def test_the_note_has_the_settings_images_and_seeds_of_all_rows(tmp_path):
    data = {"data": {"fingerprint": "images-1", "images": {"train": 5000}}}
    runs = [
        a_run(tmp_path, seed=seed, backbone="cnn2", loss="ctc", head=head, epochs=1, provenance=data)
        for head in ("none", "bigru1")
        for seed in (0, 1, 2)
    ]
    report = build_report(runs)
    assert setup_note(report) == (
        "All rows: dataset captcha, backbone cnn2, loss ctc, optimizer muon, decoder beam_cpp, "
        "5,000 training images, 1 epoch, 400 test images, seeds 0–2."
    )
    assert setup_note(report) in to_markdown(report).replace("\\_", "_")


def test_what_differs_is_not_in_the_note(tmp_path):
    runs = [
        a_run(tmp_path, seed=seed, augmentation=augmentation, max_steps=7, loss="ctc", backbone="cnn2")
        for augmentation, seeds in (("none", (0, 1)), ("distort", (1, 2)))
        for seed in seeds
    ]
    runs.append(a_run(tmp_path, augmentation="lines", loss="ctc", backbone="cnn7", truth=("abc",) * 90))
    assert setup_note(build_report(runs)) == (
        "All rows: dataset captcha, head bilstm2, loss ctc, optimizer muon, decoder beam_cpp."
    )


def test_times_have_their_machines(tmp_path):
    gpu = {"host": {"cpu": "A CPU", "gpu": "A GPU", "cores": 8}, "training": {"precision": "float16"}}
    report = build_report([a_run(tmp_path, seed=seed, provenance=gpu) for seed in (0, 1)])
    assert training_time_note(report) == "train s: mean training time on A GPU in float16."
    assert decoding_time_note(report) == ("decode ms: mean decoding time of an image on A CPU, 8 cores.")
    other = build_report([*report_results(report), a_run(tmp_path, lr=0.1)])
    assert training_time_note(other) == "train s: mean training time on A CPU, 2 cores and A GPU."
    cost = to_latex(other).split(r"\begin{table}")[2]
    assert "mean training time on A CPU, 2 cores and A GPU" in cost and "All rows" not in cost


def test_results_of_others_may_lack_it_all(tmp_path):
    empty = {"host": "?", "data": [], "training": None}
    report = build_report([a_run(tmp_path, provenance=empty, cost={"train_seconds": None})])
    assert "400 test images, seed 0." in setup_note(report)
    assert decoding_time_note(report) == "decode ms: mean decoding time of an image on unknown machine."
    assert "mean training time" not in to_markdown(report)


def report_results(report):
    return [member.result for row in report.rows for member in row.members]
