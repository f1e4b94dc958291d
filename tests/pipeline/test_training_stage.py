"""Training: divergence, initial weights, plateaus, and what is resumed from a checkpoint."""

import math
import shutil

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

import ctcbench
from ctcbench.config.recipe import resolve
from ctcbench.contract.errors import CtcbenchError, UsageError
from ctcbench.pipeline import runner
from ctcbench.processes.signals import Interrupted
from ctcbench.results.run_folder import RunFolder
from ctcbench.training import loop, monitor, step
from ctcbench.training.recognizer import initial_weights
from ctcbench.training.runtime import Runtime
from tests.pipeline.run_cases import Listener, interrupt_at
from tests.tiny_config import tiny


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_loss_that_is_not_finite_stops_training_and_suggests_settings(
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


def test_a_gradient_that_is_not_finite_reaches_no_checkpoint(registry, tmp_path, monkeypatch):
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
    values = RunFolder(resumed.folder).read_log_probs("test").values_NTK
    assert np.isfinite(values).all()


def test_outputs_that_are_not_finite_are_explained(registry, tmp_path):
    config = tiny(lr=1e30, clip=0.0, schedule="constant", warmup=0.0, max_steps=1)
    with pytest.raises(CtcbenchError, match=r"the output is nan at step 1 \(labels of its batch"):
        runner.run(resolve(registry, config), Runtime(tmp_path))


def test_training_starts_from_the_weights_of_another_run(registry, tmp_path, finished):
    config = tiny(init_from=str(finished.folder), lr=1e-9, epochs=1)
    ours = load_file(RunFolder(runner.run(resolve(registry, config), Runtime(tmp_path)).folder).weights_path)
    theirs = load_file(RunFolder(finished.folder).weights_path)
    learnt = [name for name in theirs if "running" not in name and "num_batches" not in name]
    assert len(learnt) > 10
    # Steps this small move nothing but the batch norm's running means.
    assert max(np.abs(ours[name] - theirs[name]).max() for name in learnt) < 1e-6


def test_weights_that_change_between_start_and_training_are_an_error(
    registry, tmp_path, finished, monkeypatch
):
    source = tmp_path / "source"
    shutil.copytree(finished.folder, source)
    (source / "manifest.json").unlink()  # one that is still trained has none
    other = runner.run(resolve(registry, tiny(seed=3)), Runtime(tmp_path / "other"))
    real = initial_weights.load_initial_weights

    def replaced(model, run):
        # As by a training that ends an epoch while the images of this one are drawn.
        shutil.copy(other.folder / "weights.safetensors", source)
        return real(model, run)

    monkeypatch.setattr(initial_weights, "load_initial_weights", replaced)
    recipe = resolve(registry, tiny(init_from=str(source)))
    with pytest.raises(UsageError, match="its weights changed since this run was started; wait until"):
        runner.run(recipe, Runtime(tmp_path / "runs"))


def test_characters_keep_their_weights_in_another_alphabet(registry, tmp_path, finished):
    listener = Listener()
    dataset = "captcha:width=72,height=24,length=2,alphabet=[9x0]"
    config = tiny(dataset=dataset, init_from=str(finished.folder), lr=1e-9, epochs=1)
    result = runner.run(resolve(registry, config), Runtime(tmp_path, listener=listener))
    ours, theirs = (
        load_file(RunFolder(run.folder).weights_path)["classifier.weight"] for run in (result, finished)
    )
    # Classes: the blank, 9, x and 0 here; the blank and 0 to 9 there.
    np.testing.assert_allclose(ours[[0, 1, 3]], theirs[[0, 10, 1]], atol=1e-6)
    assert np.abs(ours[2] - theirs).max(1).min() > 0.01
    notice = (
        f"--init-from {finished.folder}: 2 of 3 characters have weights there; new, with random weights: x; "
        f"not used here: 12345678"
    )
    assert notice in listener.notices


def test_images_may_have_another_height(registry, tmp_path, finished):
    """Three rows of features there, five here; the weights over them are resampled."""
    listener = Listener()
    dataset = "captcha:width=60,height=40,length=2,alphabet=[9x0]"
    config = tiny(dataset=dataset, init_from=str(finished.folder), lr=1e-9, epochs=1)
    result = runner.run(resolve(registry, config), Runtime(tmp_path, listener=listener))
    ours, theirs = (load_file(RunFolder(run.folder).weights_path) for run in (result, finished))
    name = "head.rnn.weight_ih_l0_reverse"
    assert (ours[name].shape, theirs[name].shape) == ((24, 16 * 5), (24, 16 * 3))
    # The weights of a channel, and the first of five rows, which covers three fifths of the first of three.
    of_channel, of_theirs = (run[name].reshape(24, 16, -1) for run in (ours, theirs))
    np.testing.assert_allclose(of_channel.sum(-1), of_theirs.sum(-1), atol=1e-5)
    np.testing.assert_allclose(of_channel[..., 0], of_theirs[..., 0] * 3 / 5, atol=1e-6)
    # Classes: the blank, 9, x and 0 here; the blank and 0 to 9 there.
    of_class, of_theirs = (run["bypass.weight"].reshape(len(run["bypass.weight"]), 16, -1).sum(-1)
                           for run in (ours, theirs))  # fmt: skip
    np.testing.assert_allclose(of_class[[0, 1, 3]], of_theirs[[0, 10, 1]], atol=1e-5)
    notice = (
        f"--init-from {finished.folder}: images of another height (24 there, 40 here), for which weights are "
        "resampled; 2 of 3 characters have weights there; new, with random weights: x; not used here: "
        "12345678"
    )
    assert notice in listener.notices


def test_a_frozen_backbone_does_not_change(registry, tmp_path, finished):
    config = tiny(init_from=str(finished.folder), freeze="backbone", epochs=1, ema=0.5)
    result = runner.run(resolve(registry, config), Runtime(tmp_path))
    ours, theirs = (load_file(RunFolder(run.folder).weights_path) for run in (result, finished))
    backbone = [name for name in theirs if name.startswith("backbone.")]
    assert any("running_mean" in name for name in backbone)
    assert all((ours[name] == theirs[name]).all() for name in backbone)
    assert (ours["classifier.weight"] != theirs["classifier.weight"]).any()


def test_random_weights_are_not_frozen(registry):
    with pytest.raises(UsageError, match=r"--freeze backbone: .* --init-from RUN"):
        resolve(registry, tiny(freeze="backbone"))


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (
            {
                "dataset": "captcha:width=60,height=24,length=2,alphabet=digits,channels=3",
                "head": "bigru1:width=16",
            },
            ["has shape", "--shortcut sum (images: 1×24×60 there, 3×24×60 here)"],
        ),
        (
            {"dataset": "captcha:width=60,height=32,length=2,alphabet=digits", "head": "bigru1:width=16"},
            ["has shape", "there and", "here. The weights need --backbone", "--head"],
        ),
        (
            {"head": "bigru1:width=16"},
            ["has shape", "there and", "here. The weights need --backbone", "--head"],
        ),
        ({"shortcut": "none"}, ["bypass", "none here"]),
    ],
)
def test_initial_weights_that_do_not_fit_are_refused_before_images_are_drawn(
    registry, tmp_path, monkeypatch, finished, settings, words
):
    monkeypatch.setenv("CTCBENCH_CACHE", str(tmp_path / "cache"))
    with pytest.raises(UsageError) as error:
        runner.run(resolve(registry, tiny(init_from=str(finished.folder), **settings)), Runtime(tmp_path))
    for word in ["--init-from", *words]:
        assert word in str(error.value)
    assert not list(tmp_path.iterdir())


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


@pytest.mark.parametrize(
    ("amp", "accumulate", "remedy"),
    [
        (None, 1, ", or --accumulate 2"),
        (False, 1, ", or --accumulate 2, or --amp"),
        # More parts than images are an error.
        (None, 12, ", or --accumulate 16"),
        (None, 16, ""),
    ],
)
def test_a_step_without_memory_is_an_error_that_names_the_batch_size(
    registry, tmp_path, monkeypatch, amp, accumulate, remedy
):
    def short(state, batch, config):
        if state.step == 6:
            raise torch.OutOfMemoryError("Tried to allocate 20 GiB.\nOf the allocated memory …")
        return step.train_step(state, batch, config)

    monkeypatch.setattr(loop, "train_step", short)
    with pytest.raises(CtcbenchError) as error:
        runner.run(resolve(registry, tiny(amp=amp, accumulate=accumulate)), Runtime(tmp_path))
    assert str(error.value) == (
        f"out of memory (Tried to allocate 20 GiB.) at step 7 with --batch-size 16: try a smaller "
        f"--batch-size{remedy}; the last checkpoint is kept"
    )


def test_flushing_the_monitor_counts_as_training_time(registry, tmp_path, monkeypatch):
    # An epoch has five steps, so the monitor is flushed only at its end.
    monkeypatch.setitem(monitor.FLUSH_EVERY, "cpu", 10)
    spent = [0.0]  # seconds of a clock that only a flush moves on
    real = monitor.Monitor.flush

    def flush(*given):
        spent[0] += 0.5
        return real(*given)

    monkeypatch.setattr(monitor.Monitor, "flush", flush)
    monkeypatch.setattr(loop.time, "perf_counter", lambda: spent[0])
    result = runner.run(resolve(registry, tiny()), Runtime(tmp_path))
    assert result.cost["train_seconds"] == spent[0] > 1


def test_resuming_restores_the_best_weights_of_the_checkpoint(registry, tmp_path, monkeypatch):
    """A kill between writing the weights and the checkpoint leaves weights newer than the checkpoint."""

    def killed(self):
        raise KeyboardInterrupt

    interrupt_at(monkeypatch, 6)
    with pytest.raises(Interrupted):
        runner.run(resolve(registry, tiny()), Runtime(tmp_path))
    monkeypatch.undo()
    (path,) = tmp_path.iterdir()
    folder = RunFolder(path)
    best = folder.weights_path.read_bytes()
    folder.weights_path.write_bytes(b"of an epoch after the checkpoint")
    monkeypatch.setattr(loop.Trainer, "_run_step", killed)
    with pytest.raises(KeyboardInterrupt):
        runner.run(resolve(registry, tiny()), Runtime(tmp_path, resume=True))
    assert folder.weights_path.read_bytes() == best


def test_resuming_on_another_device_is_reported(registry, tmp_path, monkeypatch):
    from ctcbench.training.device import Compute

    interrupt_at(monkeypatch, 6)
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


def test_a_checkpoint_of_another_version_is_refused(registry, tmp_path, monkeypatch):
    interrupt_at(monkeypatch, 3)
    with pytest.raises(Interrupted):
        runner.run(resolve(registry, tiny()), Runtime(tmp_path))
    monkeypatch.undo()
    monkeypatch.setattr(loop, "History", lambda **given: (_ for _ in ()).throw(TypeError("no 'colour'")))
    with pytest.raises(CtcbenchError, match=r"another version of ctcbench \(no 'colour'\); --fresh trains"):
        runner.run(resolve(registry, tiny()), Runtime(tmp_path, resume=True))
