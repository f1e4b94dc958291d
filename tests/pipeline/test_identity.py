"""A run goes on with what it was begun with: its images, its best weights, its files undamaged."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import ctcbench
from ctcbench.config.recipe import resolve
from ctcbench.contract.errors import CtcbenchError, UsageError
from ctcbench.evaluation.log_probs import load_log_probs
from ctcbench.pipeline import runner
from ctcbench.pipeline.decoding_stage import decode_stored
from ctcbench.processes.signals import Interrupted
from ctcbench.results.run_folder import RunFolder
from ctcbench.training import loop, step
from ctcbench.training.runtime import Runtime
from tests.tiny_config import tiny


@pytest.fixture
def pictures(tmp_path):
    """Sixty narrow pictures with two digits in their names."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    generator = np.random.default_rng(0)
    for i in range(60):
        pixels = generator.integers(0, 256, (24, 30), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{10 + i}.png")
    return folder


def of(pictures, **settings):
    return tiny(
        dataset=f"folder:path='{pictures}',width=60,height=24,fit=pad,alphabet=digits",
        backbone="cnn3:width=4",
        **settings,
    )


def test_changed_images_are_not_trained_already(registry, pictures, tmp_path):
    runtime = Runtime(tmp_path / "runs")
    first = runner.run(resolve(registry, of(pictures)), runtime)
    assert runner.run(resolve(registry, of(pictures)), runtime).score == first.score
    for name in ("11", "12", "13", "14", "15", "16", "17", "18"):
        (pictures / f"{name}.png").rename(pictures / f"9{name}.png")
    with pytest.raises(UsageError, match=r"images are not those that this run started with; --fresh"):
        runner.run(resolve(registry, of(pictures)), runtime)


def test_a_resumed_run_does_not_go_on_with_changed_images(registry, pictures, tmp_path, monkeypatch):
    runtime = Runtime(tmp_path / "runs")
    stop_at(monkeypatch, 4)
    with pytest.raises(Interrupted):
        runner.run(resolve(registry, of(pictures)), runtime)
    monkeypatch.undo()
    for path in sorted(pictures.iterdir())[:12]:
        path.unlink()
    with pytest.raises(UsageError, match=r"its train and val images are not those|its train images are not"):
        runner.run(resolve(registry, of(pictures)), Runtime(tmp_path / "runs", resume=True))


def stop_at(monkeypatch, wanted):
    def stopping(state, batch, config):
        if state.step + 1 == wanted:
            signal.raise_signal(signal.SIGINT)
        return step.train_step(state, batch, config)

    monkeypatch.setattr(loop, "train_step", stopping)


def test_pictures_are_read_as_those_that_it_learned_from(registry, pictures, tmp_path):
    result = runner.run(resolve(registry, of(pictures, amp=False)), Runtime(tmp_path / "runs"))
    stored = load_log_probs(RunFolder(result.folder).log_probs_path("test"))
    assert set(stored.lengths_N.tolist()) == {4}  # 30 of 60 columns are picture, of 7 frames
    recogniser = ctcbench.load(result.folder)
    read = recogniser.log_probs([pictures / f"{text}.png" for text in stored.texts])
    assert read.lengths_N.tolist() == stored.lengths_N.tolist()
    assert np.abs(np.exp(read.values_NTK) - np.exp(stored.values_NTK)).max() < 1e-4


def test_a_gradient_that_is_no_number_stops_before_it_reaches_a_checkpoint(registry, tmp_path, monkeypatch):
    def spoiled(state, batch, config):
        if state.step == 6:
            next(state.model.parameters()).register_hook(lambda gradient: gradient * float("inf"))
        return step.train_step(state, batch, config)

    monkeypatch.setattr(loop, "train_step", spoiled)
    runtime = Runtime(tmp_path, checkpoint_seconds=-1)
    with pytest.raises(CtcbenchError, match=r"the gradient is (nan|inf) at step 7 .*checkpoint is kept"):
        runner.run(resolve(registry, tiny()), runtime)
    monkeypatch.undo()
    resumed = runner.run(resolve(registry, tiny()), Runtime(tmp_path, resume=True))
    values = load_log_probs(RunFolder(resumed.folder).log_probs_path("test")).values_NTK
    assert np.isfinite(values).all()


def test_outputs_that_are_no_number_at_an_epochs_end_are_explained(registry, tmp_path):
    config = tiny(lr=1e30, clip=0.0, schedule="constant", warmup=0.0, max_steps=1)
    with pytest.raises(CtcbenchError, match=r"the output is nan at step 1 \(labels of its batch"):
        runner.run(resolve(registry, config), Runtime(tmp_path))


def test_weights_of_an_epoch_that_the_checkpoint_lost_do_not_stay(registry, tmp_path, monkeypatch):
    """Killed between writing the weights and the checkpoint: the checkpoint's best is the best."""

    def killed(self):
        raise KeyboardInterrupt

    stop_at(monkeypatch, 6)
    with pytest.raises(Interrupted):
        runner.run(resolve(registry, tiny()), Runtime(tmp_path))
    monkeypatch.undo()
    (path,) = tmp_path.iterdir()
    folder = RunFolder(path)
    best = folder.weights_path.read_bytes()
    folder.weights_path.write_bytes(b"of an epoch nobody knows")
    monkeypatch.setattr(loop.Trainer, "_run_step", killed)
    with pytest.raises(KeyboardInterrupt):
        runner.run(resolve(registry, tiny()), Runtime(tmp_path, resume=True))
    assert folder.weights_path.read_bytes() == best


def test_going_on_on_another_device_is_said(registry, tmp_path, monkeypatch):
    from ctcbench.training.device import Compute

    stop_at(monkeypatch, 6)
    with pytest.raises(Interrupted):
        runner.run(resolve(registry, tiny()), Runtime(tmp_path))
    monkeypatch.undo()
    notices = []
    listener = ctcbench.training.progress_events.ProgressListener()
    listener.notice = notices.append
    here = Compute.describe
    monkeypatch.setattr(Compute, "describe", lambda self: "cuda in float16")
    runner.run(resolve(registry, tiny()), Runtime(tmp_path, resume=True, listener=listener))
    (notice,) = [notice for notice in notices if "started on" in notice]
    assert here(Compute(torch.device("cpu"), None)) == "cpu in float32"
    assert "resumed on cuda in float16" in notice


@pytest.fixture(scope="module")
def finished(registry, own_cache, tmp_path_factory):
    out = tmp_path_factory.mktemp("damaged")
    return RunFolder(runner.run(resolve(registry, tiny()), Runtime(out)).folder)


@pytest.fixture
def damaged(finished):
    """Change a file of the run, and put it back afterwards."""
    before = {}

    def change(name, content):
        path = finished.path / name
        before[path] = path.read_bytes()
        path.write_bytes(content(before[path]) if callable(content) else content.encode())
        return path

    yield change
    for path, content in before.items():
        path.write_bytes(content)


def flip(content):
    return content[:-3] + bytes([content[-3] ^ 4]) + content[-2:]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("summary.json", "{}", ["summary.json: parameters: missing"]),
        ("config.toml", "lerning_rate = 3", ["config.toml: no setting 'lerning_rate'"]),
        ("config.toml", "lr = -1.0", ["config.toml: --lr -1.0"]),
        # What it has lost must not be taken from the defaults: the result would be of another run.
        ("config.toml", "", ["config.toml: damaged or cut off (no setting 'dataset')"]),
        ("config.toml", lambda whole: whole[: whole.index(b"epochs")], ["cut off (no setting 'epochs')"]),
    ],
)
def test_what_decoding_reads_is_named_when_damaged(registry, finished, damaged, name, content, words):
    damaged(name, content)
    with pytest.raises(CtcbenchError) as error:
        decode_stored(registry, finished.path, "greedy")
    for word in words:
        assert word in str(error.value)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("weights.safetensors", flip, "weights.safetensors: damaged (wrong checksum)"),
        ("weights.safetensors", lambda content: content[:-9], "weights.safetensors: damaged or cut off"),
        ("recognizer.json", '{"image": {"height": 24.5, "width": 60, "channels": 1}, "fit": "pad", '
         '"alphabet": "01"}', "recognizer.json: image.height: expected"),
        ("recognizer.json", '{"image": {"height": 24, "width": 1000000000, "channels": 1}, "fit": "pad", '
         '"alphabet": "01"}', "recognizer.json: image.width: expected"),
        ("recognizer.json", '{"image": {"height": 24, "width": 60, "channels": 1}, "alphabet": "01"}',
         "recognizer.json: fit: missing"),
    ],
)  # fmt: skip
def test_what_loading_reads_is_named_when_damaged(finished, damaged, name, content, words):
    damaged(name, content)
    with pytest.raises(CtcbenchError) as error:
        ctcbench.load(finished.path)
    assert words in str(error.value)


def test_a_checkpoint_of_another_version_is_said(registry, tmp_path, monkeypatch):
    stop_at(monkeypatch, 3)
    with pytest.raises(Interrupted):
        runner.run(resolve(registry, tiny()), Runtime(tmp_path))
    monkeypatch.undo()
    monkeypatch.setattr(loop, "History", lambda **given: (_ for _ in ()).throw(TypeError("no 'colour'")))
    with pytest.raises(CtcbenchError, match=r"another version of ctcbench \(no 'colour'\); --fresh trains"):
        runner.run(resolve(registry, tiny()), Runtime(tmp_path, resume=True))


def test_the_recorded_settings_are_those_of_this_decoding(registry, tmp_path):
    runner.run(resolve(registry, tiny()), Runtime(tmp_path))
    more = runner.run(resolve(registry, tiny(test_samples=20)), Runtime(tmp_path))
    again = decode_stored(registry, more.folder, "beam_cpp")
    assert again.config["test_samples"] == again.score.images == 20


def test_a_failed_first_run_leaves_no_out_folder(registry, tmp_path):
    with pytest.raises(UsageError):
        runner.run(resolve(registry, tiny(amp_dtype="float16", device="cpu")), Runtime(tmp_path / "runs"))
    assert list(tmp_path.iterdir()) == []


def test_a_training_without_a_terminal_ends_cleanly_in_a_thread(tmp_path):
    """Signals can be handled in the main thread alone; a run elsewhere must not ask for them."""
    code = (
        "import sys, threading; sys.path.insert(0, sys.argv[2])\nfrom pathlib import Path\n"
        "from tests.tiny_config import tiny\nimport ctcbench\n"
        "from ctcbench.training.runtime import Runtime\n"
        "done = []\n"
        "work = threading.Thread(target=lambda: done.append("
        "ctcbench.run(tiny(max_steps=2), Runtime(Path(sys.argv[1])))))\n"
        "work.start(); work.join()\nprint(json.dumps(done[0].score.images)) if done else sys.exit(1)"
    )
    home = str(Path(__file__).parents[2])
    done = subprocess.run(
        [sys.executable, "-c", "import json\n" + code, str(tmp_path), home],
        capture_output=True, text=True, timeout=100,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == 12
