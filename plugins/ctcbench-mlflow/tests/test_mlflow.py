"""MLflow can read the settings, curves and results of a trained run."""

import os
import shutil
from importlib.metadata import EntryPoint, entry_points

import ctcbench_mlflow as tracker
import pytest
from mlflow.tracking import MlflowClient

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
RESULT = {
    "config": {**TINY.model_dump()},
    "score": {"exact": 0.5, "collapsed": False},
    "cost": {"parameters": 9},
}


def with_tracker():
    """Return the built-in components and this plugin, whether or not it is installed."""
    if "mlflow" in entry_points(group=ENTRY_POINT_GROUP).names:
        return load_registry(["mlflow"])
    plugin = Plugin("mlflow", "ctcbench-mlflow", "0.1", tracker.__name__)
    plugin.load(EntryPoint("mlflow", tracker.__name__, ENTRY_POINT_GROUP))
    return Registry((*load_registry([]).plugins, plugin))


@pytest.fixture(autouse=True)
def environment(monkeypatch, tmp_path_factory):
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_NAME", tracker.SWITCH):
        monkeypatch.delenv(name, raising=False)
    if "CTCBENCH_CACHE" not in os.environ:
        monkeypatch.setenv("CTCBENCH_CACHE", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture(scope="module")
def empty_database(tmp_path_factory):
    """Return a database with MLflow's tables, which take seconds to create."""
    path = tmp_path_factory.mktemp("database") / "mlflow.db"
    MlflowClient(tracking_uri=f"sqlite:///{path}").search_experiments()
    return path


@pytest.fixture
def run(tmp_path, empty_database):
    shutil.copy(empty_database, tmp_path / "mlflow.db")
    folder = tmp_path / "abc"
    folder.mkdir()
    return RunInfo(folder, "abc", TINY.model_dump(), epochs=2, steps=4)


def runs_of(out, experiment="ctcbench"):
    client = MlflowClient(tracking_uri=f"sqlite:///{out / 'mlflow.db'}")
    found = client.get_experiment_by_name(experiment)
    return client, client.search_runs([found.experiment_id], order_by=["attributes.start_time ASC"])


def curve(client, run, name):
    return [(one.step, one.value) for one in client.get_metric_history(run.info.run_id, name)]


def finish_epoch(run, epoch, **figures):
    tracker.ctcbench_epoch_finished(run, EpochReport(epoch, 2 * epoch, figures))
    with (run.folder / "metrics.jsonl").open("a") as metrics:
        metrics.write(f'{{"kind": "epoch", "epoch": {epoch}}}\n')


def test_a_run_records_its_settings_curves_and_result(tmp_path, empty_database):
    shutil.copy(empty_database, tmp_path)
    result = runner.run(resolve(with_tracker(), TINY), Runtime(out=tmp_path, workers=1))
    client, [found] = runs_of(tmp_path)
    assert found.info.status == "FINISHED" and found.info.run_name == result.folder.name
    assert found.data.params["backbone"] == "cnn2:width=4" and found.data.params["epochs"] == "2"
    assert [step for step, _ in curve(client, found, "val/exact")] == [2, 4]
    assert {"train/loss", "train/lr", "val/loss", "val/cer", "epoch"} <= set(found.data.metrics)
    assert curve(client, found, "test/exact") == [(4, pytest.approx(result.score.exact))]
    assert found.data.metrics["cost/parameters"] == result.cost["parameters"]
    assert [file.path for file in client.list_artifacts(found.info.run_id, "results")] == [
        "results/greedy.json"
    ]
    assert (tmp_path / "mlflow-artifacts").is_dir(), "beside the database, not in the working directory"


def test_a_resumed_run_continues_its_curves_and_a_fresh_one_replaces_them(run):
    tracker.ctcbench_run_started(run)
    finish_epoch(run, 1, loss=3.0)
    tracker.ctcbench_run_started(run)  # after a stop: its first epoch is in the metrics
    finish_epoch(run, 2, loss=2.0)
    client, [found] = runs_of(run.folder.parent)
    assert curve(client, found, "train/loss") == [(2, 3.0), (4, 2.0)]
    (run.folder / "metrics.jsonl").write_text("")
    tracker.ctcbench_run_started(run)
    finish_epoch(run, 1, loss=9.0)
    client, [found] = runs_of(run.folder.parent)
    assert curve(client, found, "train/loss") == [(2, 9.0)]


def test_another_decoder_is_a_nested_run_that_a_later_decoding_replaces(run):
    tracker.ctcbench_run_started(run)
    tracker.ctcbench_run_finished(run, RESULT)
    other = {**RESULT, "config": {**RESULT["config"], "decoder": "beam_cpp:width=5"}}
    tracker.ctcbench_run_finished(run, other)
    tracker.ctcbench_run_finished(run, {**other, "score": {"exact": 0.75}})
    _, [parent, nested] = runs_of(run.folder.parent)
    assert parent.data.metrics["test/exact"] == 0.5 and "test/collapsed" not in parent.data.metrics
    assert nested.data.tags["mlflow.parentRunId"] == parent.info.run_id
    assert nested.info.run_name == nested.data.params["decoder"] == "beam_cpp:width=5"
    assert nested.data.metrics["test/exact"] == 0.75


def test_a_run_that_was_trained_without_the_plugin_is_recorded_when_it_is_decoded(run):
    finish_epoch(run, 1, loss=1.0)  # no run in MLflow, no error
    tracker.ctcbench_run_finished(run, RESULT)
    _, [found] = runs_of(run.folder.parent)
    assert found.data.metrics["test/exact"] == 0.5 and found.info.status == "FINISHED"


def test_the_store_and_the_experiment_of_the_user_are_used(run, tmp_path, monkeypatch):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    shutil.move(tmp_path / "mlflow.db", elsewhere)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{elsewhere / 'mlflow.db'}")
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "it's mine")
    tracker.ctcbench_run_started(run)
    tracker.ctcbench_run_started(RunInfo(tmp_path / "other" / "abc", "abc", run.config, epochs=2, steps=4))
    _, found = runs_of(elsewhere, "it's mine")
    assert len(found) == 2, "runs of one key in two output folders"
    assert not (run.folder.parent / "mlflow.db").exists()


def test_the_switch_disables_it(run, monkeypatch):
    monkeypatch.setenv(tracker.SWITCH, "off")
    tracker.ctcbench_run_started(run)
    finish_epoch(run, 1, loss=3.0)
    tracker.ctcbench_run_finished(run, RESULT)
    names = sorted(path.name for path in run.folder.parent.iterdir())
    assert names == ["abc", "mlflow.db"], "not even the lock"


def test_an_invalid_value_of_the_switch_is_an_error(monkeypatch):
    monkeypatch.setenv(tracker.SWITCH, "maybe")
    with pytest.raises(UsageError, match="maybe: allowed are on and off"):
        tracker.switched_on()
