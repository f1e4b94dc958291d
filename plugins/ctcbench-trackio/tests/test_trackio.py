"""trackio can read the settings, curves and results of a trained run."""

import json
import os
import subprocess
import sys
from importlib.metadata import EntryPoint, entry_points

import ctcbench_trackio as tracker
import pytest

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
RESULT = {"config": TINY.model_dump(), "score": {"exact": 0.5, "collapsed": False}, "cost": {"parameters": 9}}


@pytest.fixture(scope="session", autouse=True)
def store(tmp_path_factory):
    """Set the folder of trackio, which it reads once, when it is imported."""
    os.environ["TRACKIO_DIR"] = str(tmp_path_factory.mktemp("trackio"))
    os.environ["HF_HOME"] = str(tmp_path_factory.mktemp("hugging_face"))
    for name in ("TRACKIO_SPACE_ID", "TRACKIO_SERVER_URL", "HF_TOKEN", tracker.SWITCH):
        os.environ.pop(name, None)
    os.environ.setdefault("CTCBENCH_CACHE", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture(autouse=True)
def own_project(request, monkeypatch):
    monkeypatch.setenv(tracker.PROJECT, request.node.name)


@pytest.fixture
def run(tmp_path):
    folder = tmp_path / "abc"
    folder.mkdir()
    return RunInfo(folder, "abc", TINY.model_dump(), epochs=2, steps=4)


def with_tracker():
    """Return the built-in components and this plugin, whether or not it is installed."""
    if "trackio" in entry_points(group=ENTRY_POINT_GROUP).names:
        return load_registry(["trackio"])
    plugin = Plugin("trackio", "ctcbench-trackio", "0.1", tracker.__name__)
    plugin.load(EntryPoint("trackio", tracker.__name__, ENTRY_POINT_GROUP))
    return Registry((*load_registry([]).plugins, plugin))


def stored():
    """Return config and logs of the project's runs by name; names must differ."""
    from trackio import Api
    from trackio.sqlite_storage import SQLiteStorage

    try:
        runs = list(Api().runs(tracker.project()))
    except ValueError:  # no such project
        return {}
    names = [run.name for run in runs]
    assert len(names) == len(set(names)), names
    return {
        run.name: (run.config, SQLiteStorage.get_logs(tracker.project(), run.name, run_id=run.id))
        for run in runs
    }


def curve(logs, name):
    return [(entry["step"], entry[name]) for entry in logs if name in entry]


def finish_epoch(run, epoch, **figures):
    tracker.ctcbench_epoch_finished(run, EpochReport(epoch, 2 * epoch, figures))
    with (run.folder / "metrics.jsonl").open("a") as metrics:
        metrics.write(f'{{"kind": "epoch", "epoch": {epoch}}}\n')


def test_a_run_records_its_settings_curves_and_result(tmp_path, capsys):
    result = runner.run(resolve(with_tracker(), TINY), Runtime(out=tmp_path, workers=1))
    assert capsys.readouterr().out == "", "standard output belongs to the program"
    [(name, (config, logs))] = stored().items()
    assert name == result.folder.name
    assert config["backbone"] == "cnn2:width=4" and config["run_folder"] == str(result.folder.resolve())
    assert [step for step, _ in curve(logs, "val/exact")] == [2, 4]
    assert {"train/loss", "train/lr", "val/loss", "val/cer", "epoch"} <= {key for log in logs for key in log}
    assert curve(logs, "test/exact") == [(4, pytest.approx(result.score.exact))]
    assert curve(logs, "cost/parameters") == [(4, result.cost["parameters"])]


def test_a_resumed_run_continues_its_curves_and_a_fresh_one_replaces_them(run):
    tracker.ctcbench_run_started(run)
    finish_epoch(run, 1, loss=3.0)
    tracker.ctcbench_run_started(run)  # after a stop: its first epoch is in the metrics
    finish_epoch(run, 2, loss=2.0)
    tracker._close(run)
    assert curve(stored()["abc"][1], "train/loss") == [(2, 3.0), (4, 2.0)]
    (run.folder / "metrics.jsonl").write_text("")
    tracker.ctcbench_run_started(run)
    finish_epoch(run, 1, loss=9.0)
    tracker._close(run)
    assert curve(stored()["abc"][1], "train/loss") == [(2, 9.0)]


def test_another_decoder_has_a_run_that_a_later_decoding_replaces(run):
    tracker.ctcbench_run_started(run)
    tracker.ctcbench_run_finished(run, RESULT)
    other = {**RESULT, "config": {**RESULT["config"], "decoder": "beam_cpp:width=5"}}
    tracker.ctcbench_run_finished(run, other)
    tracker.ctcbench_run_finished(run, {**other, "score": {"exact": 0.75}})
    found = stored()
    assert set(found) == {"abc", "abc beam_cpp:width=5"}
    assert curve(found["abc"][1], "test/exact") == [(4, 0.5)] and not curve(found["abc"][1], "test/collapsed")
    config, logs = found["abc beam_cpp:width=5"]
    assert config["decoder"] == "beam_cpp:width=5" and curve(logs, "test/exact") == [(4, 0.75)]


def test_nothing_is_sent_unless_the_user_names_a_server(run, monkeypatch):
    import socket

    def refuse(*_):
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setenv("HF_TOKEN", "hf_" + "x" * 34)
    tracker.ctcbench_run_started(run)
    finish_epoch(run, 1, loss=3.0)
    tracker.ctcbench_run_finished(run, RESULT)
    assert curve(stored()["abc"][1], "train/loss") == [(2, 3.0)]


@pytest.mark.parametrize("finished", [True, False])
def test_nothing_is_printed_at_exit_where_a_json_document_may_be(run, finished):
    code = (
        "import json, pathlib, sys\nimport ctcbench_trackio as tracker\n"
        "from ctcbench import EpochReport, RunInfo\n"
        "run = RunInfo(pathlib.Path(sys.argv[1]), 'abc', {'decoder': 'greedy'}, epochs=2, steps=4)\n"
        "tracker.ctcbench_run_started(run)\n"
        "tracker.ctcbench_epoch_finished(run, EpochReport(epoch=1, step=2, figures={'loss': 1.5}))\n"
        "if result := json.loads(sys.argv[2]):\n    tracker.ctcbench_run_finished(run, result)\n"
    )
    result = json.dumps(RESULT if finished else None)
    done = subprocess.run(
        [sys.executable, "-c", code, str(run.folder), result], capture_output=True, text=True, timeout=100
    )
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    _, logs = stored()["abc"]
    assert [log["train/loss"] for log in logs if "train/loss" in log] == [1.5]
    assert any("test/exact" in log for log in logs) is finished


def test_the_switch_disables_it(run, monkeypatch):
    monkeypatch.setenv(tracker.SWITCH, "off")
    tracker.ctcbench_run_started(run)
    finish_epoch(run, 1, loss=3.0)
    tracker.ctcbench_run_finished(run, RESULT)
    assert stored() == {}


def test_an_invalid_value_of_the_switch_is_an_error(monkeypatch):
    monkeypatch.setenv(tracker.SWITCH, "maybe")
    with pytest.raises(UsageError, match="maybe: allowed are on and off"):
        tracker.switched_on()
