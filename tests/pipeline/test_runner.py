"""run(): the files of a run, the stages that it skips, and the calls of tracker hooks."""

import json
import threading
from pathlib import Path

import pytest

import ctcbench
from ctcbench.config.recipe import resolve
from ctcbench.pipeline import runner
from ctcbench.pipeline.decoding_stage import decode_stored
from ctcbench.results.result import Result
from ctcbench.results.run_folder import RunFolder
from ctcbench.training.runtime import Runtime
from tests.pipeline.run_cases import Listener
from tests.tiny_config import tiny


def test_the_result_has_the_fixed_schema(finished):
    document = json.loads(finished.path.read_text())
    assert document == json.loads(
        json.dumps(Result.parse(finished.path.read_bytes(), finished.path).to_json())
    )
    assert document["schema"] == 1
    assert document["config"]["backbone"] == "cnn3:width=4,dropout=0.1"
    assert {"split", "images", "exact", "exact_ci", "char_accuracy", "cer", "edit_distance", "exact_caseless",
            "empty_outputs", "collapsed"} <= document["score"].keys()  # fmt: skip
    assert document["score"]["images"] == 12
    assert set(document["cost"]) == {
        "parameters", "train_seconds", "images_per_second", "decode_ms_per_image", "peak_memory_mib",
    }  # fmt: skip
    assert all(value > 0 for value in document["cost"].values())
    provenance = document["provenance"]
    assert provenance["host"].keys() == {"cpu", "gpu", "cores"}
    assert provenance["versions"]["torch"]
    assert provenance["data"].keys() == {
        "train", "val", "fingerprint", "images", "left_out", "too_long", "unreadable",
    }  # fmt: skip
    assert provenance["data"]["images"] == {"train": 70, "val": 10, "test": 12}
    assert provenance["data"]["left_out"] == {"train": 0, "val": 0, "test": 0}
    assert provenance["data"]["too_long"] == 0
    assert provenance["training"]["steps"] == 10


def test_the_run_folder_has_the_documented_files(finished):
    names = {str(path.relative_to(finished.folder)) for path in finished.folder.rglob("*") if path.is_file()}
    # Releases of filelock differ in whether they remove the file of a lock.
    assert names - {".lock"} == {
        "config.toml", "metrics.jsonl", "weights.safetensors", "recognizer.json", "summary.json",
        "familiarity.json",
        "checkpoint.safetensors", "manifest.json", "log_probs/test.safetensors", "log_probs/val.safetensors",
        "results/greedy.json", "predictions/greedy.json",
    }  # fmt: skip
    kinds = [record["kind"] for record in RunFolder(finished.folder).read_metrics()]
    assert kinds == ["epoch", "steps", "epoch"]


def test_nothing_in_a_run_folder_is_a_pickle(finished):
    for path in Path(finished.folder).rglob("*"):
        if path.is_file():
            assert path.suffix in {".toml", ".jsonl", ".json", ".safetensors", ""}, path
            assert path.read_bytes()[:2] not in (b"\x80\x04", b"\x80\x05", b"PK"), path


def test_a_finished_run_is_not_trained_again(registry, finished, monkeypatch):
    monkeypatch.setattr(runner, "train", lambda *_: pytest.fail("trained again"))
    listener = Listener()
    again = runner.run(resolve(registry, tiny()), Runtime(finished.folder.parent, listener=listener))
    assert again.score == finished.score
    assert any("trained already; --fresh trains it again" in notice for notice in listener.notices)


def test_fresh_trains_again_with_the_same_weights(registry, tmp_path):
    runtime = Runtime(tmp_path)
    first = runner.run(resolve(registry, tiny()), runtime)
    weights = RunFolder(first.folder).weights_path
    before, changed = weights.read_bytes(), weights.stat().st_mtime_ns
    listener = Listener()
    again = runner.run(resolve(registry, tiny()), Runtime(tmp_path, fresh=True, listener=listener))
    assert again.score == first.score
    assert listener.started == [again.folder]
    assert weights.read_bytes() == before
    assert weights.stat().st_mtime_ns != changed


def test_trackers_receive_the_events_of_a_run(registry, tmp_path, monkeypatch):
    calls = []
    monkeypatch.setattr(
        type(registry), "call_hooks", lambda self, hook, notice, **arguments: calls.append((hook, arguments))
    )
    result = runner.run(resolve(registry, tiny()), Runtime(tmp_path))
    assert [hook for hook, _ in calls] == [
        "ctcbench_run_started", "ctcbench_epoch_finished", "ctcbench_epoch_finished", "ctcbench_run_finished",
    ]  # fmt: skip
    started = calls[0][1]["run"]
    assert (started.folder, started.epochs, started.steps) == (result.folder, 2, 10)
    epoch = calls[1][1]["epoch"]
    assert (epoch.epoch, epoch.step) == (1, 5)
    assert {"loss", "val_loss", "val_exact", "val_cer", "lr"} <= epoch.figures.keys()
    assert calls[3][1]["result"] == result.to_json()


def test_a_result_records_the_settings_it_was_decoded_with(registry, tmp_path):
    runner.run(resolve(registry, tiny()), Runtime(tmp_path))
    more = runner.run(resolve(registry, tiny(test_samples=20)), Runtime(tmp_path))
    again = decode_stored(registry, more.folder, "beam_cpp")
    assert again.config["test_samples"] == again.score.images == 20


def test_a_run_works_outside_the_main_thread(tmp_path):
    """Only the main thread can handle signals; a run in another one must not try to."""
    results = []

    def run():
        results.append(ctcbench.run(tiny(max_steps=2), Runtime(tmp_path)))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert results[0].score.images == 12
