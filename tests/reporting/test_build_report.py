"""build_report() on made-up run folders: rows, marks, effects and every warning."""

from __future__ import annotations

import dataclasses
import json
import time
from pathlib import Path

import pytest

from ctcbench.contract.errors import UsageError
from ctcbench.contract.hooks import Column
from ctcbench.evaluation.paired_tests import mcnemar
from ctcbench.evaluation.seed_statistics import clopper_pearson
from ctcbench.reporting.build_report import build_report
from ctcbench.reporting.report_model import Report
from ctcbench.reporting.study_records import find_failures
from ctcbench.results.run_folder import RunFolder, find_runs
from tests.reporting.report_cases import a_grid, a_run, readings, targets


def read_again(out: Path) -> list:
    results = []
    for folder in find_runs(out):
        found, problems = folder.results()
        assert not problems
        results += found
    return results


def warned(report: Report, kind: str) -> list[str]:
    return [warning.text for warning in report.warnings if warning.kind == kind]


@pytest.fixture(scope="module")
def grid(tmp_path_factory):
    out = tmp_path_factory.mktemp("grid")
    a_grid(out)
    return read_again(out)


def test_one_row_a_configuration_best_first(grid):
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


def test_marks_say_who_is_better(grid):
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


def test_main_effects(grid):
    report = build_report(grid)
    effects = {(e.axis, e.metric): e for e in report.effects}
    backbone = effects["backbone", "exact"]
    assert (backbone.baseline, backbone.level, backbone.seeds, backbone.pairs) == ("cnn2", "cnn3", 5, 20)
    assert backbone.difference == pytest.approx(0.3, abs=0.05) and not backbone.within_noise
    assert effects["backbone", "cer"].difference < 0
    assert effects["head", "exact"].within_noise
    assert any("head" in text for text in warned(report, "noise"))


def test_figures_of_other_test_images_are_no_baseline(tmp_path):
    for number, backbone in enumerate(("cnn2", "cnn3")):
        for seed in (0, 1):
            a_run(tmp_path, seed=seed, backbone=backbone, fingerprint=f"images-{number}")
    assert build_report(read_again(tmp_path)).effects == ()
    for seed in (0, 1):
        a_run(tmp_path, seed=seed, backbone="cnn2", lr=0.1, fingerprint="images-1")
    effects = build_report(read_again(tmp_path), by=["backbone"]).effects
    assert {(e.axis, e.pairs) for e in effects} == {("backbone", 2)}


def test_runs_put_together_by_hand_count_once_a_seed(grid):
    """Two decoders of one model are no two draws: 20 runs of 5 seeds are 5."""
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
def test_a_model_collapses_once_and_only_if_no_decoder_reads_anything(tmp_path, collapsed, count):
    for decoder in ("greedy", "beam_cpp"):
        texts = ("",) * 400 if decoder in collapsed else None
        plateau = {"training": {"left_plateau_step": None}}
        a_run(tmp_path, decoder=decoder, texts=texts, folder="one", provenance=plateau)
    (row,) = build_report(read_again(tmp_path), by=["backbone"]).rows
    assert (row.n, len(row.members)) == (1, 2)
    assert (row.collapse.count, row.collapse.n) == (count, 1)
    assert row.collapse.interval == pytest.approx((0.025, 1.0) if count else (0.0, 0.975))
    assert row.plateau.never == 1


def test_models_of_one_seed_share_in_its_collapse(tmp_path):
    """Of seed 0 one of two models, of seed 1 none: the seeds are what the interval is over."""
    for seed in (0, 1):
        for head in ("bilstm2", "lstm1"):
            a_run(tmp_path, seed=seed, head=head, texts=("",) * 400 if (seed, head) == (0, "lstm1") else None)
    (row,) = build_report(read_again(tmp_path), by=["backbone"]).rows
    assert (row.collapse.count, row.collapse.n) == (1, 4)
    assert row.collapse.interval == clopper_pearson(0.5, 2)


def test_an_error_rate_may_be_above_one_and_so_may_its_interval(tmp_path):
    truth = targets(10, 2)
    for seed, length in enumerate((1, 2, 4)):  # all wrong, and up to twice as long as the truth
        a_run(tmp_path, seed=seed, truth=truth, texts=("?" * length,) * 10)
    (row,) = build_report(read_again(tmp_path)).rows
    cer = row.metrics["cer"]
    assert cer.values == (1.0, 1.0, 2.0)
    low, high = cer.interval
    assert low == 0.0 and high == pytest.approx(cer.mean + 4.302653 * cer.sd / 3**0.5)
    assert row.metrics["exact"].interval == (0.0, 0.0)


def test_by_may_name_any_setting_and_no_other(grid):
    assert build_report(grid, by=["decoder", "lr", "decoder"]).axes == ("decoder", "lr")
    assert {row.n for row in build_report(grid, by=["seed"]).rows} == {1}
    with pytest.raises(UsageError, match=r"--by bakbone: no such setting.*did you mean 'backbone'"):
        build_report(grid, by=["bakbone"])


def test_nothing_is_an_empty_report():
    report = build_report([], ["backbone"], damaged=["x: damaged"])
    assert (report.rows, report.damaged) == ((), ("x: damaged",))


def test_one_run_is_a_row_with_its_images_interval(tmp_path):
    result = a_run(tmp_path)
    report = build_report([result])
    (row,) = report.rows
    exact = row.metrics["exact"]
    assert (row.n, exact.sd, exact.over, exact.interval) == (1, None, "images", result.score.exact_ci)
    assert row.name == "cnn3:width=32 bilstm2 beam_cpp" and not report.axes and not report.comparisons
    assert "one seed each" in warned(report, "few seeds")[0]


def test_single_runs_get_the_weaker_mark(tmp_path):
    a, b = a_run(tmp_path, 0.9, lr=0.003), a_run(tmp_path, 0.4, lr=0.001)
    report = build_report([b, a])
    assert report.rows[0].axes == {"lr": "0.003"}
    assert (report.rows[0].better_than, report.rows[0].better_on_images) == ((), (2,))
    assert report.comparisons[0].seeds is None and report.effects[0].interval is None


def test_a_lucky_spread_is_noise_over_seeds(tmp_path):
    """One of three seeds collapsed: the images all say better, the seeds do not."""
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
    """Models differ by 40 points, decoders by 2 on each: only paired does that show."""
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


def test_differing_test_sets_are_not_compared_and_said(tmp_path):
    a = a_run(tmp_path, lr=0.003)
    b = a_run(tmp_path, lr=0.001, fingerprint="images-2")
    report = build_report([a, b])
    assert not report.comparisons
    (text,) = warned(report, "test sets")
    assert "images-1" in text and "images-2" in text and "row" in text


def test_hardware_and_versions_that_differ_are_said(tmp_path):
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


def test_few_seeds_few_images_and_uneven_seeds_are_said(tmp_path):
    few = targets(16)
    results = [a_run(tmp_path, seed=seed, lr=0.003, truth=few) for seed in (0, 1)]
    results.append(a_run(tmp_path, seed=0, lr=0.001, truth=few))
    report = build_report(results)
    assert len(warned(report, "few seeds")) == 2
    assert "fewer than 100" in warned(report, "few images")[0]
    assert "different seeds: " in warned(report, "unbalanced")[0]


def test_the_same_run_twice_counts_once(tmp_path):
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


def test_results_without_settings_that_came_later_have_the_defaults(tmp_path):
    a, b = a_run(tmp_path, seed=0), a_run(tmp_path, seed=1)
    older = dataclasses.replace(a, config={k: v for k, v in a.config.items() if k != "ema"})
    assert len(build_report([older, b]).rows) == 1


def test_the_talks_figures_stand_beside_its_presets(tmp_path):
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


def test_results_whose_texts_are_gone_are_reported_but_not_tested(tmp_path):
    results = [a_run(tmp_path, lr=0.003), a_run(tmp_path, lr=0.001, keep_texts=False)]
    report = build_report(results)
    assert len(report.rows) == 2 and not report.comparisons
    (text,) = warned(report, "no predictions")
    assert f"`ctcbench decode {results[1].folder} --decoder beam_cpp` stores them" in text


def test_texts_of_another_result_are_not_taken_for_its_own(tmp_path):
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


@pytest.mark.parametrize("odd", [None, 3, "x", [], {}, {"fingerprint": 3}])
def test_odd_provenance_is_no_crash(tmp_path, odd):
    provenance = dict.fromkeys(("host", "versions", "plugins", "data", "training", "started"), odd)
    results = [a_run(tmp_path, lr=0.003), a_run(tmp_path, lr=0.001, provenance=provenance)]
    report = build_report(results)
    assert len(report.rows) == 2 and warned(report, "test sets")


def test_columns_of_plugins(tmp_path):
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


def test_failed_trials_of_studies_are_found(tmp_path):
    trials = tmp_path / "studies" / "one" / "trials"
    trials.mkdir(parents=True)
    for key, state, error in (("aaa", "failed", "out of\nmemory"), ("bbb", "done", "")):
        document = {
            "key": key,
            "state": state,
            "error": error,
            "label": "cnn3 seed 1",
            "finished": "2026-01-01",
        }
        (trials / f"{key}.json").write_text(json.dumps(document))
    (trials / "ccc.json").write_text("{")
    (failure,) = find_failures(tmp_path)
    assert str(failure) == f"{tmp_path / 'aaa'} (cnn3 seed 1): out of memory"
    later = tmp_path / "studies" / "two" / "trials"
    later.mkdir(parents=True)
    (later / "aaa.json").write_text(json.dumps({"key": "aaa", "state": "done", "finished": "2026-01-02"}))
    assert find_failures(tmp_path) == []


def test_a_trial_that_an_ordinary_run_has_done_since_is_no_failure(tmp_path):
    result = a_run(tmp_path, decoder="greedy")
    run, key = RunFolder(result.folder), result.path.stem
    trial = {"key": run.path.name, "state": "failed", "error": "out of memory", "finished": "2026-01-01"}
    path = tmp_path / "studies" / "one" / "trials" / "trial.json"
    path.parent.mkdir(parents=True)

    def failures(*results):
        path.write_text(json.dumps(trial | {"results": list(results)}))
        return len(find_failures(tmp_path))

    assert failures(key) == 1  # what is there may be older: training is not finished
    run.weights_path.touch()
    run.write_summary({})
    assert failures(key) == 0
    assert failures(key, "beam_cpp") == 1  # that one is not there yet
    assert failures() == 1
    assert failures("../secret") == 1
    result.path.write_text("{")
    assert failures(key) == 1


def test_many_rows_are_compared_with_the_best_alone(tmp_path):
    truth = targets(100)
    results = [a_run(tmp_path, 0.5 + i / 100, truth=truth, batch_size=i + 1) for i in range(45)]
    report = build_report(results)
    assert len(report.comparisons) == 44 and {c.first for c in report.comparisons} == {1}
    assert warned(report, "many rows")
    # The best was chosen by looking: the correction is for all pairs all the same.
    assert report.tests == 45 * 44 // 2
    smallest = min(report.comparisons, key=lambda c: c.exact.p).exact
    assert smallest.p_holm == pytest.approx(min(1, 990 * smallest.p))


@pytest.fixture(scope="module")
def two_hundred(tmp_path_factory):
    out = tmp_path_factory.mktemp("many")
    truth = targets(1000)
    for seed in range(5):
        for epochs in range(1, 6):
            for batch_size in range(1, 9):
                a_run(out, 0.5 + epochs / 12, seed=seed, epochs=epochs, batch_size=batch_size, truth=truth)
    return out


def test_two_hundred_results_take_a_moment(two_hundred):
    started = time.process_time()
    report = build_report(read_again(two_hundred))
    seconds = time.process_time() - started
    assert len(report.rows) == 40 and len(report.comparisons) == 780
    assert seconds < 6  # 1 s on an idle machine; a guard against growing with the square
