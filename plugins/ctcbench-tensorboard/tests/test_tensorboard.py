"""TensorBoard can read the curves and the result of a trained run."""

import os
from importlib.metadata import EntryPoint, entry_points

import ctcbench_tensorboard as tracker
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from ctcbench import EpochReport, RunConfig, RunInfo, UsageError
from ctcbench.config.recipe import resolve
from ctcbench.pipeline import runner
from ctcbench.registry.component_registry import Registry
from ctcbench.registry.discovery import load_registry
from ctcbench.registry.plugin import ENTRY_POINT_GROUP, Plugin
from ctcbench.training.runtime import Runtime

TINY = RunConfig(
    dataset="captcha:width=40,height=16,length=1,alphabet=digits",
    backbone="cnn2:width=4",
    head="none",
    decoder="greedy",
    epochs=2,
    train_samples=16,
    val_samples=4,
    test_samples=4,
    batch_size=8,
)


def with_tracker():
    """Return the built-in components and this plugin, whether or not it is installed."""
    if "tensorboard" in entry_points(group=ENTRY_POINT_GROUP).names:
        return load_registry(["tensorboard"])
    plugin = Plugin("tensorboard", "ctcbench-tensorboard", "0.1", tracker.__name__)
    plugin.load(EntryPoint("tensorboard", tracker.__name__, ENTRY_POINT_GROUP))
    return Registry((*load_registry([]).plugins, plugin))


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory):
    before = os.environ.setdefault("CTCBENCH_CACHE", str(tmp_path_factory.mktemp("cache")))
    yield before


def scalars(folder):
    events = EventAccumulator(str(folder)).Reload()
    return {tag: [(e.step, e.value) for e in events.Scalars(tag)] for tag in events.Tags()["scalars"]}


def info(folder):
    return RunInfo(folder, folder.name, TINY.model_dump(), epochs=2, steps=4)


@pytest.mark.filterwarnings("error::UserWarning")
def test_a_run_writes_its_curves_and_its_result(tmp_path):
    result = runner.run(resolve(with_tracker(), TINY), Runtime(out=tmp_path, workers=1))
    [folder] = tmp_path.iterdir()
    found = scalars(folder / "tensorboard")
    assert [step for step, _ in found["val/exact"]] == [2, 4]
    assert {"train/loss", "train/lr", "val/loss", "val/cer", "epoch"} <= set(found)
    last = scalars(folder / "tensorboard" / "greedy")
    assert last["test/exact"][0][1] == pytest.approx(result.score.exact)
    assert last["cost/parameters"][0][1] == result.cost["parameters"]


def test_figures_are_on_disk_after_each_epoch(tmp_path):
    tracker.ctcbench_run_started(info(tmp_path))
    tracker.ctcbench_epoch_finished(info(tmp_path), EpochReport(1, 2, {"loss": 3.0, "val_exact": 0.5}))
    assert scalars(tmp_path / "tensorboard")["val/exact"] == [(2, 0.5)]
    tracker._close(info(tmp_path))


def report(folder, epoch, figures):
    tracker.ctcbench_epoch_finished(info(folder), EpochReport(epoch, 2 * epoch, figures))
    with (folder / "metrics.jsonl").open("a") as metrics:
        metrics.write(f'{{"kind": "epoch", "epoch": {epoch}}}\n')


def test_a_resumed_run_continues_its_curves_and_a_fresh_one_replaces_them(tmp_path):
    tracker.ctcbench_run_started(info(tmp_path))
    report(tmp_path, 1, {"loss": 3.0})
    tracker.ctcbench_run_started(info(tmp_path))  # after a stop: its first epoch is in the metrics
    report(tmp_path, 2, {"loss": 2.0})
    assert scalars(tmp_path / "tensorboard")["train/loss"] == [(2, 3.0), (4, 2.0)]
    (tmp_path / "metrics.jsonl").write_text("")
    tracker.ctcbench_run_started(info(tmp_path))
    report(tmp_path, 1, {"loss": 9.0})
    tracker._close(info(tmp_path))
    assert scalars(tmp_path / "tensorboard")["train/loss"] == [(2, 9.0)]


@pytest.mark.parametrize("link", ["tensorboard", "tensorboard/greedy"])
def test_nothing_is_deleted_or_written_through_a_link(tmp_path, link):
    run, outside = tmp_path / "run", tmp_path / "outside"
    (run / link).parent.mkdir(parents=True)
    (outside / "greedy").mkdir(parents=True)
    (outside / "greedy" / "mine").touch()
    (run / link).symlink_to(outside)
    result = {"config": {"decoder": "greedy"}, "score": {}, "cost": {}}
    with pytest.raises(UsageError, match="is a link; remove it, or disable this plugin"):
        tracker.ctcbench_run_finished(info(run), result)
    if link == "tensorboard":
        with pytest.raises(UsageError, match="is a link"):
            tracker.ctcbench_run_started(info(run))
    assert [path.name for path in outside.rglob("*")] == ["greedy", "mine"]


def test_decoders_have_files_of_their_own():
    names = ["beam_cpp:width=5", "beam_cpp:characters='é'", "beam_cpp:characters='è'", "beam:" + "x" * 400]
    files = [tracker.file_name(name) for name in names]
    assert files[0] == "beam_cpp-width=5"
    assert len({*files}) == 4 and max(map(len, files)) <= 69


def test_the_switch_disables_it(tmp_path, monkeypatch):
    monkeypatch.setenv(tracker.SWITCH, "off")
    tracker.ctcbench_run_started(info(tmp_path))
    tracker.ctcbench_epoch_finished(info(tmp_path), EpochReport(1, 2, {"loss": 3.0}))
    tracker.ctcbench_run_finished(info(tmp_path), {})
    assert not (tmp_path / "tensorboard").exists()


def test_an_invalid_value_of_the_switch_is_an_error(monkeypatch):
    monkeypatch.setenv(tracker.SWITCH, "maybe")
    with pytest.raises(UsageError, match="maybe: allowed are on and off"):
        tracker.switched_on()
