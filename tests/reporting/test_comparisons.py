"""Paired tests between rows: marks, corrections, pairing over seeds."""

from __future__ import annotations

import pytest

from ctcbench.evaluation.paired_tests import mcnemar
from ctcbench.reporting.build_report import build_report
from ctcbench.reporting.tables import analyses
from tests.reporting.report_cases import a_run, read_again, readings, targets, warned


def test_marks(grid):
    report = build_report(grid)
    for row in report.rows[:4]:
        assert row.better_than == (5, 6, 7, 8)
    assert not any(row.better_than or row.better_on_images for row in report.rows[4:])
    assert len(report.comparisons) == 28
    found = report.comparison(1, 8)
    assert found.verdict == "better" and found.exact.difference > 0.2 and found.cer.difference < 0
    assert found.exact.interval[0] < found.exact.difference < found.exact.interval[1]
    assert found.exact.p == mcnemar(found.first_better, found.second_better)
    assert all(c.exact.p <= c.exact.p_holm for c in report.comparisons)
    assert report.comparison(1, 2).verdict == "noise"
    assert any("rows 2–4" in text for text in warned(report, "noise"))


def test_single_runs_have_the_weaker_mark(tmp_path):
    a, b = a_run(tmp_path, 0.9, lr=0.003), a_run(tmp_path, 0.4, lr=0.001)
    report = build_report([b, a])
    assert report.rows[0].axes == {"lr": "0.003"}
    assert (report.rows[0].better_than, report.rows[0].better_on_images) == ((), (2,))
    assert report.comparisons[0].seeds is None and report.effects[0].interval is None


def test_a_difference_in_one_of_three_seeds_is_noise_over_seeds(tmp_path):
    """One of three seeds collapsed: the test over images is significant, the one over seeds is not."""
    truth = targets()
    good = [a_run(tmp_path, 0.9, seed=seed, lr=0.003) for seed in range(3)]
    shaky = [
        a_run(tmp_path, seed=seed, lr=0.001, texts=readings(truth, 0.85, 99 + seed) if seed else ("",) * 400)
        for seed in range(3)
    ]
    report = build_report(good + shaky)
    assert report.rows[0].better_on_images == (2,) and not report.rows[0].better_than
    assert any("between seeds" in text for text in warned(report, "noise"))
    assert (report.rows[1].collapse.count, report.rows[1].collapse.n) == (1, 3)
    assert report.rows[1].collapse.interval == pytest.approx((0.0084, 0.9057), abs=1e-4)


def test_two_decoders_of_the_same_models_are_paired_over_seeds(tmp_path):
    """Models differ by 40 points, decoders by 2 on each model: only a paired test detects that."""
    results = []
    for seed in range(4):
        texts = readings(targets(1000), 0.4 + 0.1 * seed, seed)
        right = [i for i, (text, true) in enumerate(zip(texts, targets(1000), strict=True)) if text == true]
        worse = {*right[: 20 + seed]}
        other = tuple("" if i in worse else text for i, text in enumerate(texts))
        results.append(a_run(tmp_path, seed=seed, decoder="beam_cpp", texts=texts, truth=targets(1000)))
        results.append(a_run(tmp_path, seed=seed, decoder="greedy", texts=other, truth=targets(1000)))
    report = build_report(results)
    assert report.rows[0].axes == {"decoder": "beam_cpp"}
    seeds = report.comparisons[0].seeds
    assert seeds.p < 0.001 and seeds.difference == pytest.approx(0.0215)


def test_many_rows_are_compared_with_the_best_only(tmp_path):
    truth = targets(100)
    results = [a_run(tmp_path, 0.5 + i / 100, truth=truth, batch_size=i + 1) for i in range(45)]
    report = build_report(results)
    assert len(report.comparisons) == 44 and {c.first for c in report.comparisons} == {1}
    assert warned(report, "many rows")
    # The best was chosen by looking: the correction is for all pairs all the same.
    assert report.tests == 45 * 44 // 2
    smallest = min(report.comparisons, key=lambda c: c.exact.p).exact
    assert smallest.p_holm == pytest.approx(min(1, 990 * smallest.p))


def correct_on(truth, *ranges):
    """Return texts that are right on the images of some ranges."""
    right = {i for found in ranges for i in found}
    return tuple(text if i in right else "" for i, text in enumerate(truth))


def test_images_are_weighted_as_the_ranking_is(tmp_path):
    """Seed 1 of cnn3 was decoded three times: cnn3 is ranked first, but most of its runs are behind."""
    truth = targets(3000)
    good, poor = correct_on(truth, range(2850)), correct_on(truth, range(1800))
    results = [a_run(tmp_path, seed=0, backbone="cnn3", texts=good, truth=truth)]
    for decoder in ("greedy", "beam_cpp", "beam_cpp:width=4"):
        results.append(a_run(tmp_path, seed=1, backbone="cnn3", decoder=decoder, texts=poor, truth=truth))
    for seed, images in enumerate((range(750, 3000), range(780, 3000))):
        texts = correct_on(truth, images)
        results.append(a_run(tmp_path, seed=seed, backbone="cnn2", texts=texts, truth=truth))
    report = build_report(results, by=["backbone"])
    assert [row.axes["backbone"] for row in report.rows] == ["cnn3", "cnn2"]
    found = report.comparison(1, 2)
    means = [row.metrics["exact"].mean for row in report.rows]
    assert found.exact.difference == pytest.approx(means[0] - means[1]) == pytest.approx(0.03)
    cers = [row.metrics["cer"].mean for row in report.rows]
    assert found.cer.difference == pytest.approx(cers[0] - cers[1])
    # An image of the range 1800 to 2850 is right in one of two seeds, though in one of four runs.
    assert (found.first_better, found.second_better) == (780, 1200)
    # Significant in favour of the second row, which is ranked lower: no mark.
    assert found.exact.significant and found.verdict == "noise"
    assert not any(row.better_than or row.better_on_images for row in report.rows)


def test_equal_shares_of_different_numbers_of_runs_are_ties(tmp_path):
    """The same texts three times and seven times: the sums of the fractions are not equal in float64."""
    truth = targets(300)
    decoders = [f"beam_cpp:width={width}" for width in range(2, 9)]
    for backbone, runs in (("cnn3", 3), ("cnn2", 7)):
        for seed in range(3):
            texts = correct_on(truth, range(100 * seed, 100 * seed + 100))
            for decoder in decoders[:runs]:
                a_run(tmp_path, seed=seed, backbone=backbone, decoder=decoder, texts=texts, truth=truth)
    (found,) = build_report(read_again(tmp_path), by=["backbone"]).comparisons
    assert (found.first_better, found.second_better, found.exact.p) == (0, 0, 1.0)
    assert found.cer.p == 1.0 and found.verdict == "noise"


def test_a_table_that_is_cut_has_the_tests_with_the_best_row_of_each_set_of_images(tmp_path):
    # The best row of all is the only one on its images.
    results = [a_run(tmp_path, 0.99, fingerprint="alone", dataset="captcha:length=4")]
    results += [a_run(tmp_path, 0.5 + i / 20, batch_size=i + 1) for i in range(5)]
    report = build_report(results)
    assert len(report.comparisons) == 10 and not any(c.first == 1 for c in report.comparisons)
    (tests,) = [one for one in analyses(report, 3) if one.name == "tests"]
    assert [(c.first, c.second) for c in tests.table.items] == [(2, 3), (2, 4), (2, 5), (2, 6)]
    assert tests.total == 10


def test_rows_on_several_sets_of_images_are_many_only_within_a_set(tmp_path):
    results = [
        a_run(tmp_path, 0.5 + i / 100, fingerprint=name, dataset=f"captcha:length={length}", batch_size=i + 1)
        for length, name in enumerate(("one", "two"), 4)
        for i in range(22)
    ]
    report = build_report(results)
    assert len(report.rows) == 44 and len(report.comparisons) == report.tests == 22 * 21
    assert not warned(report, "many rows")
