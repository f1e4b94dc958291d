"""Rows: means, intervals, collapse and plateaus over seeds; plugins' columns."""

from __future__ import annotations

import pytest

from ctcbench.contract.hooks import Column
from ctcbench.evaluation.seed_statistics import clopper_pearson
from ctcbench.reporting.build_report import build_report
from tests.reporting.report_cases import a_run, read_again, targets, warned


def test_rows_are_configurations_in_the_order_of_exact_accuracy(grid):
    report = build_report(grid)
    assert report.axes == ("backbone", "head", "decoder")
    assert [row.number for row in report.rows] == list(range(1, 9))
    means = [row.metrics["exact"].mean for row in report.rows]
    assert means == sorted(means, reverse=True)
    assert [row.axes["backbone"] for row in report.rows] == ["cnn3"] * 4 + ["cnn2"] * 4
    row = report.rows[0]
    values = row.metrics["exact"].values
    assert (row.n, row.seeds, len(row.folders)) == (5, (0, 1, 2, 3, 4), 5)
    assert row.metrics["exact"].mean == pytest.approx(sum(values) / 5)
    assert values[row.best] == max(values)
    low, high = row.metrics["exact"].interval
    assert low < row.metrics["exact"].mean < high and row.metrics["exact"].over == "seeds"
    assert (row.collapse.count, row.collapse.n) == (0, 5)
    assert row.cost["train_seconds"].mean == 62 and "peak_memory_mib" not in row.cost
    assert row.plateau_left == (100, 101, 102, 103, 104)
    assert report.common["loss"] == "ctc:label_smoothing=0.5" and "seed" not in report.common
    assert report.row(3).number == 3 and report.comparison(5, 2) is report.comparison(2, 5)


def test_runs_combined_by_a_coarse_by_count_once_per_seed(grid):
    """Two decoders of one model are not independent: 20 runs of 5 seeds count as 5."""
    report = build_report(grid, by=["backbone"])
    assert [row.axes for row in report.rows] == [{"backbone": "cnn3"}, {"backbone": "cnn2"}]
    row = report.rows[0]
    assert (row.n, len(row.members), row.collapse.n) == (5, 20, 10)
    assert row.collapse.interval == pytest.approx(clopper_pearson(0, 5))
    assert row.plateau.steps == tuple(sorted([*row.plateau_left[::4], *row.plateau_left[::4]]))
    assert len(row.by_seed("exact")) == 5
    assert report.comparisons[0].verdict == "better"
    (text,) = warned(report, "pooled")
    assert "head, decoder" in text


@pytest.mark.parametrize(
    ("collapsed", "count"), [(("greedy", "beam_cpp"), 1), (("greedy",), 0), (("beam_cpp",), 0)]
)
def test_a_model_has_collapsed_if_it_did_with_every_decoder(tmp_path, collapsed, count):
    for decoder in ("greedy", "beam_cpp"):
        texts = ("",) * 400 if decoder in collapsed else None
        plateau = {"training": {"left_plateau_step": None}}
        a_run(tmp_path, decoder=decoder, texts=texts, folder="one", provenance=plateau)
    (row,) = build_report(read_again(tmp_path), by=["backbone"]).rows
    assert (row.n, len(row.members)) == (1, 2)
    assert (row.collapse.count, row.collapse.n) == (count, 1)
    assert row.collapse.interval == pytest.approx((0.025, 1.0) if count else (0.0, 0.975))
    assert row.plateau.never == 1


@pytest.mark.parametrize(
    ("training", "text"),
    [
        ({"left_plateau_step": 401, "plateau_steps_at_end": 300}, "never"),  # reads, and falls back
        ({"left_plateau_step": 401, "plateau_steps_at_end": 200}, "never"),
        ({"left_plateau_step": 401, "plateau_steps_at_end": 1}, "401"),  # one unlucky batch
        ({"left_plateau_step": None, "plateau_steps_at_end": 20}, "never"),  # of a training of 20 steps
        ({"left_plateau_step": None, "plateau_steps_at_end": 0}, "–"),  # never was on it
        ({"left_plateau_step": None}, "never"),  # an early version
    ],
)
def test_the_plateau_at_the_end_of_training(tmp_path, training, text):
    a_run(tmp_path, provenance={"training": training})
    (row,) = build_report(read_again(tmp_path)).rows
    assert str(row.plateau) == text
    assert row.plateau_left == ((401,) if text == "401" else (None,))


def test_the_collapse_interval_is_over_seeds(tmp_path):
    """One of two models of seed 0 collapsed and none of seed 1; the interval is over seeds."""
    for seed in (0, 1):
        for head in ("bilstm2", "lstm1"):
            a_run(tmp_path, seed=seed, head=head, texts=("",) * 400 if (seed, head) == (0, "lstm1") else None)
    (row,) = build_report(read_again(tmp_path), by=["backbone"]).rows
    assert (row.collapse.count, row.collapse.n) == (1, 4)
    assert row.collapse.interval == clopper_pearson(0.5, 2)


def test_an_error_rate_and_its_interval_can_exceed_one(tmp_path):
    truth = targets(10, 2)
    for seed, length in enumerate((1, 2, 4)):  # all wrong, and up to twice as long as the truth
        a_run(tmp_path, seed=seed, truth=truth, texts=("?" * length,) * 10)
    (row,) = build_report(read_again(tmp_path)).rows
    cer = row.metrics["cer"]
    assert cer.values == (1.0, 1.0, 2.0)
    low, high = cer.interval
    assert low == 0.0 and high == pytest.approx(cer.mean + 4.302653 * cer.sd / 3**0.5)
    assert row.metrics["exact"].interval == (0.0, 0.0)


def test_a_single_run_has_an_interval_over_images(tmp_path):
    result = a_run(tmp_path)
    report = build_report([result])
    (row,) = report.rows
    exact = row.metrics["exact"]
    assert (row.n, exact.sd, exact.over, exact.interval) == (1, None, "images", result.score.exact_ci)
    assert row.name == "cnn3:width=32 bilstm2 beam_cpp" and not report.axes and not report.comparisons
    assert "one seed each" in warned(report, "few seeds")[0]


@pytest.mark.parametrize("odd", [None, 3, "x", [], {}, {"fingerprint": 3}])
def test_malformed_provenance_is_tolerated(tmp_path, odd):
    provenance = dict.fromkeys(("host", "versions", "plugins", "data", "training", "started"), odd)
    results = [a_run(tmp_path, lr=0.003), a_run(tmp_path, lr=0.001, provenance=provenance)]
    report = build_report(results)
    assert len(report.rows) == 2 and warned(report, "test sets")


def test_plugin_columns(tmp_path):
    def fails(document):
        raise ValueError("no")

    results = [a_run(tmp_path, seed=seed) for seed in (0, 1)]
    columns = [
        Column("same", lambda d: "x"),
        Column("seed", lambda d: str(d["config"]["seed"])),
        Column("odd", fails),
    ]
    (row,) = build_report(results, columns=columns).rows
    assert row.columns == (("same", "x"), ("seed", "0 · 1"), ("odd", "failed: ValueError: no"))


def test_a_name_has_the_setting_of_each_value_that_is_no_component(tmp_path):
    for epochs, backbone in ((1, "cnn3"), (2, "cnn2"), (2, "cnn3")):
        a_run(tmp_path, epochs=epochs, backbone=backbone)
    names = {row.name for row in build_report(read_again(tmp_path)).rows}
    assert names == {"cnn3 epochs=1", "cnn2 epochs=2", "cnn3 epochs=2"}
