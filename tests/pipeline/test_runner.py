import json
import math
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import load_file

import ctcbench
from ctcbench import RunConfig
from ctcbench.config.recipe import resolve
from ctcbench.contract.errors import CtcbenchError, UsageError
from ctcbench.evaluation.log_probs import load_log_probs
from ctcbench.files.locks import Busy
from ctcbench.pipeline import runner
from ctcbench.pipeline.decoding_stage import decode_stored
from ctcbench.results.predictions import Predictions
from ctcbench.results.run_folder import RunFolder
from ctcbench.training import loop, step
from ctcbench.training.progress_events import ProgressListener
from ctcbench.training.runtime import Runtime
from tests.tiny_config import tiny


class Listener(ProgressListener):
    def __init__(self):
        self.notices, self.progress = [], []

    def notice(self, text):
        self.notices.append(text)

    def training_advanced(self, progress):
        self.progress.append(progress)


@pytest.fixture(scope="module")
def finished(registry, own_cache, tmp_path_factory):
    """A run that is done, for tests that only read it."""
    out = tmp_path_factory.mktemp("runs")
    return runner.run(resolve(registry, tiny()), Runtime(out))


def test_the_result_has_the_fixed_schema(finished):
    document = json.loads(finished.path.read_text())
    assert document == json.loads(json.dumps(finished.to_json()))
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
    assert provenance["data"].keys() == {"train", "val", "fingerprint"}
    assert provenance["training"]["steps"] == 10


def test_the_run_folder_has_what_the_design_says(finished):
    names = {str(path.relative_to(finished.folder)) for path in finished.folder.rglob("*") if path.is_file()}
    assert names == {
        ".lock", "config.toml", "metrics.jsonl", "weights.safetensors", "recognizer.json", "summary.json",
        "checkpoint.safetensors", "log_probs/test.safetensors", "log_probs/val.safetensors",
        "results/greedy.json", "predictions/greedy.json",
    }  # fmt: skip
    kinds = [record["kind"] for record in RunFolder(finished.folder).read_metrics()]
    assert kinds == ["epoch", "steps", "epoch"]


def test_log_probs_are_normalised_and_of_the_right_images(finished):
    log_probs = load_log_probs(RunFolder(finished.folder).log_probs_path("test"))
    assert log_probs.values_NTK.shape == (12, 7, 11)
    assert np.allclose(np.exp(log_probs.values_NTK).sum(-1), 1, atol=1e-5)
    assert log_probs.fingerprint == finished.provenance["data"]["fingerprint"]


def test_what_is_done_is_not_done_again(registry, finished, monkeypatch):
    monkeypatch.setattr(runner, "train", lambda *_: pytest.fail("trained again"))
    listener = Listener()
    again = runner.run(resolve(registry, tiny()), Runtime(finished.folder.parent, listener=listener))
    assert again.score == finished.score
    assert any("trained already; --fresh trains it again" in notice for notice in listener.notices)


def test_more_test_images_are_read_without_training(registry, tmp_path, monkeypatch):
    runner.run(resolve(registry, tiny()), Runtime(tmp_path))
    monkeypatch.setattr(runner, "train", lambda *_: pytest.fail("trained again"))
    more = runner.run(resolve(registry, tiny(test_samples=20)), Runtime(tmp_path))
    assert more.score.images == 20


def test_fresh_trains_again_to_the_same_bits(registry, tmp_path):
    runtime = Runtime(tmp_path)
    first = runner.run(resolve(registry, tiny()), runtime)
    weights = RunFolder(first.folder).weights_path
    before, changed = weights.read_bytes(), weights.stat().st_mtime_ns
    again = runner.run(resolve(registry, tiny()), Runtime(tmp_path, fresh=True))
    assert again.score == first.score
    assert weights.read_bytes() == before
    assert weights.stat().st_mtime_ns != changed


def test_another_decoder_needs_no_training_and_no_torch(finished):
    code = (
        "import sys\nfrom pathlib import Path\nfrom ctcbench.registry.discovery import load_registry\n"
        "from ctcbench.pipeline.decoding_stage import decode_stored\n"
        "result = decode_stored(load_registry([]), Path(sys.argv[1]), 'beam_cpp:width=5')\n"
        "assert 'torch' not in sys.modules, 'torch was imported'\n"
        "print(result.path.name)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(finished.folder)], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("beam_cpp-")


def test_predict_applies_the_blank_penalty_of_the_decoder(registry, tmp_path):
    from ctcbench.data.built_dataset import build_dataset
    from ctcbench.data.materialise import materialise

    # At the end of these steps every frame is most probably blank.
    config = tiny(blank_penalty=3.0, lr=1e-2, epochs=10, head="none", amp=False)
    samples = materialise(build_dataset(registry, config.dataset), "test", config.test_samples)
    lengths = []
    for decoder in ("greedy", "greedy:blank_penalty=3"):
        result = runner.run(resolve(registry, config.replace(decoder=decoder)), Runtime(tmp_path))
        stored = Predictions.read(RunFolder(result.folder).predictions_path(result.path.stem))
        lengths.append(result.score.mean_length)
        recogniser = replace(
            ctcbench.load(result.folder), recipe=resolve(registry, RunConfig(**result.config))
        )
        readings = recogniser.predict(list(samples.images_NCHW[:, 0]))
        assert [reading.text for reading in readings] == list(stored.texts)
    assert lengths[0] == 0 and lengths[1] > 1
    assert len(list(tmp_path.glob("*/results/greedy*.json"))) == 2, "one model, two results"


def test_decoding_what_is_no_run(registry, tmp_path):
    with pytest.raises(UsageError, match="not a run folder"):
        decode_stored(registry, tmp_path, "greedy")


def test_resume_with_changed_settings_says_which(registry, tmp_path, monkeypatch):
    interrupt_at(monkeypatch, 3)
    with pytest.raises(ctcbench.processes.signals.Interrupted):
        runner.run(resolve(registry, tiny()), Runtime(tmp_path))
    monkeypatch.undo()
    with pytest.raises(UsageError) as error:
        runner.run(resolve(registry, tiny(lr=0.5)), Runtime(tmp_path, resume=True))
    assert "differs in lr: 0.003 there, 0.5 here" in str(error.value)
    with pytest.raises(UsageError, match="an unfinished run with these settings; --resume continues it"):
        runner.run(resolve(registry, tiny()), Runtime(tmp_path))
    assert runner.run(resolve(registry, tiny()), Runtime(tmp_path, resume=True)).score.images == 12


def interrupt_at(monkeypatch, wanted):
    import signal

    def taken(state, batch, config):
        if state.step + 1 == wanted:
            os.kill(os.getpid(), signal.SIGINT)
        return step.train_step(state, batch, config)

    monkeypatch.setattr(loop, "train_step", taken)


def test_nothing_to_resume(registry, tmp_path):
    with pytest.raises(UsageError, match="has no run with these settings, and no unfinished one"):
        runner.run(resolve(registry, tiny()), Runtime(tmp_path, resume=True))
    assert list(tmp_path.iterdir()) == []


def test_a_run_folder_that_another_process_writes(registry, finished):
    code = (
        "import sys, time\nfrom pathlib import Path\nfrom ctcbench.results.run_folder import RunFolder\n"
        "with RunFolder(Path(sys.argv[1])).lock():\n    print('locked', flush=True)\n    time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(finished.folder)], stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout.readline() == "locked\n"
        with pytest.raises(Busy, match=f"process {other.pid} is training in this run folder"):
            runner.run(resolve(registry, tiny()), Runtime(finished.folder.parent))
        other.kill()
    assert runner.run(resolve(registry, tiny()), Runtime(finished.folder.parent)).score == finished.score


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_loss_that_is_no_number_stops_with_step_labels_and_what_to_try(
    registry, tmp_path, monkeypatch, value
):
    def spoiled(state, batch, config):
        metrics = step.train_step(state, batch, config)
        loss = metrics.loss * value if state.step == 7 else metrics.loss
        return step.StepMetrics(loss, metrics.all_blank, metrics.grad_norm)

    monkeypatch.setattr(loop, "train_step", spoiled)
    with pytest.raises(CtcbenchError) as error:
        runner.run(resolve(registry, tiny()), Runtime(tmp_path))
    for word in [
        f"the loss is {value} at step 7",
        "labels of its batch: '",
        "lower --lr",
        "checkpoint is kept",
    ]:
        assert word in str(error.value)


def test_failing_before_the_first_step_leaves_no_folder(registry, tmp_path):
    with pytest.raises(UsageError, match=r"needs \d+ frames .* returns 7 for it"):
        runner.run(resolve(registry, tiny(dataset="captcha:width=60,height=24,length=9")), Runtime(tmp_path))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("out", ["/proc/runs", "file/runs"])
def test_an_out_that_cant_be_written(registry, tmp_path, out):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UsageError, match="can't be written"):
        runner.run(resolve(registry, tiny()), Runtime(tmp_path / out))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file"]


def test_begins_with_the_weights_of_another_run(registry, tmp_path, finished):
    config = tiny(init_from=str(finished.folder), lr=1e-9, epochs=1)
    ours = load_file(RunFolder(runner.run(resolve(registry, config), Runtime(tmp_path)).folder).weights_path)
    theirs = load_file(RunFolder(finished.folder).weights_path)
    learnt = [name for name in theirs if "running" not in name and "num_batches" not in name]
    assert len(learnt) > 10
    # Steps this small move nothing but the batch norm's running means.
    assert max(np.abs(ours[name] - theirs[name]).max() for name in learnt) < 1e-6


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"dataset": "captcha:width=60,height=24,length=2,alphabet=lower"}, ["its alphabet is '0123456789'"]),
        ({"head": "bigru1:width=16"}, ["has shape", "there and", "here"]),
        ({"shortcut": "none"}, ["bypass", "none here"]),
    ],
)
def test_begins_with_what_does_not_fit(registry, tmp_path, finished, settings, words):
    with pytest.raises(UsageError) as error:
        runner.run(resolve(registry, tiny(init_from=str(finished.folder), **settings)), Runtime(tmp_path))
    for word in ["--init-from", *words]:
        assert word in str(error.value)


def test_a_plateau_that_does_not_end_is_in_the_result(registry, tmp_path, monkeypatch):
    monkeypatch.setattr("ctcbench.training.blank_plateau.NOTICE_AFTER", 4)
    listener = Listener()
    config = tiny(shortcut="none", backbone="cnn3:width=4,norm=none", lr=1e-3, epochs=4)
    result = runner.run(resolve(registry, config), Runtime(tmp_path, listener=listener))
    training = result.provenance["training"]
    assert training["plateau_steps_at_end"] == training["steps"] == 20
    assert training["left_plateau_step"] is None
    named = [notice for notice in listener.notices if "blank plateau" in notice]
    assert [notice.split(":")[0] for notice in named] == ["step 4", "step 8", "step 16"]


def test_a_damaged_result_is_named_and_others_are_read(finished, registry, tmp_path):
    folder = RunFolder(finished.folder)
    decode_stored(registry, finished.folder, "beam_cpp")
    broken = folder.result_path("broken")
    broken.write_text('{"schema": 1, "con')
    results, problems = folder.results()
    assert len(results) >= 2
    assert any(str(broken) in problem for problem in problems)
    broken.unlink()


def test_reads_pictures_of_any_kind(finished, tmp_path):
    recogniser = ctcbench.load(finished.folder)
    array = np.full((50, 100), 255, np.uint8)
    picture = Image.fromarray(array).convert("RGBA")
    picture.save(tmp_path / "a.png")
    predictions = recogniser.predict([tmp_path / "a.png", picture, array])
    assert len({(p.text, p.confidence) for p in predictions}) == 1
    assert 0 <= predictions[0].confidence <= 1
    assert 0.25 <= recogniser.sharpness <= 16
    assert recogniser.predict([]) == []
    with pytest.raises(ctcbench.BadSample, match=r"none.png: no such file"):
        recogniser.predict([tmp_path / "none.png"])
    with pytest.raises(ctcbench.BadSample, match=r"picture 1: "):
        recogniser.predict([array, np.zeros((2, 2, 2, 2), np.uint8)])
    assert len(recogniser.predict(picture for _ in range(2))) == 2
    for one in (str(tmp_path / "a.png"), tmp_path / "a.png", picture, array, None, b"png"):
        with pytest.raises(ctcbench.UsageError, match="pictures come in a list"):
            recogniser.predict(one)
    assert "registry" not in repr(recogniser)
    with pytest.raises(ctcbench.UsageError, match="takes a RunConfig, not dict"):
        ctcbench.run({"epochs": 1})


def test_predicts_what_the_run_read(finished, registry):
    from ctcbench.data.built_dataset import build_dataset
    from ctcbench.data.materialise import materialise

    samples = materialise(build_dataset(registry, finished.config["dataset"]), "test", 12)
    recogniser = ctcbench.load(finished.folder)
    pictures = list(samples.images_NCHW[:, 0])
    ours = np.exp(recogniser.log_probs(pictures).values_NTK)
    stored = np.exp(load_log_probs(RunFolder(finished.folder).log_probs_path("test")).values_NTK)
    others = np.exp(recogniser.log_probs(pictures[1:] + pictures[:1]).values_NTK)
    differ = np.abs(ours - stored).max()  # mixed precision there, float32 here
    assert differ < 0.3 * np.abs(others - stored).max()


def test_more_pictures_than_go_through_the_network_at_once(finished, registry, monkeypatch):
    from ctcbench import api
    from ctcbench.data.built_dataset import build_dataset
    from ctcbench.data.materialise import materialise

    pictures = list(
        materialise(build_dataset(registry, finished.config["dataset"]), "test", 12).images_NCHW[:, 0]
    )
    recogniser = ctcbench.load(finished.folder)
    whole = recogniser.log_probs(pictures)
    monkeypatch.setattr(api, "_BATCH_SIZE", 5)
    parts = recogniser.log_probs(pictures)
    assert np.allclose(parts.values_NTK, whole.values_NTK, atol=1e-4)
    assert np.array_equal(parts.lengths_N, whole.lengths_N)
    with pytest.raises(ctcbench.BadSample, match="picture 11: "):
        recogniser.predict([*pictures[:11], np.zeros((2, 2, 2, 2), np.uint8)])


def test_loading_what_is_no_run(tmp_path):
    with pytest.raises(UsageError, match="no trained run there"):
        ctcbench.load(tmp_path)


def test_waiting_for_a_gpu_is_time_of_training(registry, tmp_path, monkeypatch):
    monkeypatch.setitem(loop.FLUSH_EVERY, "cpu", 10)  # an epoch has five steps, so only its end looks
    real = loop.Monitor.flush
    monkeypatch.setattr(loop.Monitor, "flush", lambda *given: (time.sleep(0.5), real(*given)))
    result = runner.run(resolve(registry, tiny()), Runtime(tmp_path))
    assert result.cost["train_seconds"] > 1


def test_trackers_hear_of_the_run(registry, tmp_path, monkeypatch):
    heard = []
    monkeypatch.setattr(
        type(registry), "call_hooks", lambda self, hook, notice, **arguments: heard.append((hook, arguments))
    )
    result = runner.run(resolve(registry, tiny()), Runtime(tmp_path))
    assert [hook for hook, _ in heard] == [
        "ctcbench_run_started", "ctcbench_epoch_finished", "ctcbench_epoch_finished", "ctcbench_run_finished",
    ]  # fmt: skip
    started = heard[0][1]["run"]
    assert (started.folder, started.epochs, started.steps) == (result.folder, 2, 10)
    epoch = heard[1][1]["epoch"]
    assert (epoch.epoch, epoch.step) == (1, 5)
    assert {"loss", "val_loss", "val_exact", "val_cer", "lr"} <= epoch.figures.keys()
    assert heard[3][1]["result"] == result.to_json()


def test_nothing_in_a_run_folder_is_a_pickle(finished):
    for path in Path(finished.folder).rglob("*"):
        if path.is_file():
            assert path.suffix in {".toml", ".jsonl", ".json", ".safetensors", ""}, path
            assert path.read_bytes()[:2] not in (b"\x80\x04", b"\x80\x05", b"PK"), path
