"""The training step as a CUDA graph, on a CUDA device; `make test-gpu` runs these."""

import json
import os
import signal
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from ctcbench.__main__ import main
from ctcbench.config.recipe import Recipe, resolve
from ctcbench.contract.components import Component
from ctcbench.pipeline import runner
from ctcbench.processes.signals import Interrupted
from ctcbench.registry.component_registry import Registry
from ctcbench.registry.plugin import Plugin
from ctcbench.results.run_folder import RunFolder
from ctcbench.training import device, loop, monitor, split, step
from ctcbench.training.checkpoint import format_checkpoint
from ctcbench.training.cuda.step_graph import StepGraph
from ctcbench.training.recognizer.network import build_recognizer
from ctcbench.training.runtime import Runtime
from tests.pipeline.run_cases import Listener
from tests.tiny_config import TINY, tiny
from tests.training.step_cases import ALPHABET, IMAGE, ragged_samples, some_samples

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no CUDA device"),
]
STEPS = 16


def make_training(registry, *, count=40, widths=None, **settings):
    """Return state, split and settings: two batches of 16 images and one of 8 in an epoch.

    With `widths`, images of these widths.
    """
    config = tiny(**{"device": "cuda", "amp": False, "schedule": "cosine", "lr": 1e-3, **settings})
    compute = device.choose_compute(config)
    recipe = Recipe(registry, config)
    torch.manual_seed(config.seed)
    model = build_recognizer(recipe, replace(IMAGE, variable=bool(widths)), ALPHABET)
    state = step.new_state(recipe, model.train(), compute, STEPS)
    texts = [str(i % 10) * (1 + i % 2) + "7" for i in range(count)]
    samples = ragged_samples(widths) if widths else some_samples(count, texts=texts)
    part = split.make_split(samples, ALPHABET, compute.device)
    return state, part.with_buckets(config.batch_size, exact=bool(model.unmasked)), config


def train(state, part, config, graph=None):
    """Train to the last step; return loss and gradient norm of each, and which steps a graph did."""
    rows, by_graph = [], []
    with device.torch_settings(config, state.compute):
        while state.step < state.steps:
            number = state.step
            metrics = None if graph is None else graph.step()
            if metrics is None:
                metrics = step.train_step(state, split.batch_at(part, number, config), config)
            else:
                by_graph.append(number)
            rows.append([metrics.loss.item(), metrics.grad_norm.item()])
    return np.array(rows), by_graph


def train_by_graph(registry, notices, **settings):
    training = make_training(registry, **settings)
    rows, by_graph = train(*training, StepGraph(*training, notices.append))
    return training[0], rows, by_graph


CASES = [
    {"backbone": "cnn5:width=8", "head": "none"},
    {"backbone": "cnn3:width=8", "head": "bilstm2:width=16"},
    {"backbone": "cnn5:width=8,dropout=0.1", "head": "none", "ema": 0.9, "augmentation": "distort"},
    {"backbone": "cnn3:width=8", "head": "bilstm2:width=16,dropout=0.2", "augment_until": 0.5},
    {"backbone": "cnn7:width=8,dropout=0.1", "head": "gru2:width=16", "optimizer": "adamw"},
    {"backbone": "cnn2:width=8", "head": "bigru1:width=16", "shortcut": "aux", "blank_penalty": 2.0},
    {"backbone": "cnn5:width=8", "head": "none", "amp": True, "amp_dtype": "bfloat16"},
    {"backbone": "cnn5:width=8", "head": "none", "amp": True, "amp_dtype": "float16", "ema": 0.9},
    {"head": "lstm1:width=16", "amp": True, "amp_dtype": "float16", "optimizer": "adamw"},
    {"head": "slots:count=3", "shortcut": "none", "loss": "slots", "decoder": "slots"},
    {"head": "slots:count=3", "shortcut": "none", "loss": "slots", "decoder": "slots", "deterministic": True},
    {"loss": "ctc:label_smoothing=0.3,entropy=0.1", "clip": 0.0, "deterministic": True},
]  # fmt: skip


@pytest.mark.parametrize("settings", CASES, ids=str)
def test_the_loss_curve_is_that_of_the_step_without_a_graph(registry, settings):
    notices = []
    expected, _ = train(*make_training(registry, **settings))
    _, rows, by_graph = train_by_graph(registry, notices, **settings)
    assert notices == []
    # Two full batches and a smaller one in turn; the first step is computed without the graph.
    assert by_graph == [number for number in range(1, STEPS) if number % 3 != 2]
    # The GPU may choose other algorithms for the same convolutions, which in bfloat16 differ by a percent.
    tolerance = 0.2 if settings.get("amp") else 1e-2
    # Rounding differs, and training amplifies the difference, so the first steps are compared strictly. With
    # float16, the gradients of the first steps can overflow; the scaler skips them.
    assert np.allclose(rows[:4], expected[:4], rtol=tolerance / 5, equal_nan=True)
    assert np.allclose(rows[:, 0], expected[:, 0], rtol=tolerance)


@pytest.mark.parametrize(
    "settings",
    [
        {"augmentation": "distort"},
        {"backbone": "cnn5:width=8", "head": "bilstm1:width=8"},
        {"backbone": "cnn7:width=8", "head": "none", "channels_last": False},
        {"backbone": "cnn5:width=8", "head": "none", "amp": True, "amp_dtype": "bfloat16"},
    ],
    ids=str,
)
def test_images_of_different_widths_have_a_graph_for_each_width_of_a_batch(registry, settings):
    widths = [12, 14, 13, 30, 31, 29, 50, 60, 58, 55, 20, 21] * 2
    settings, notices = {**settings, "widths": widths, "batch_size": 3}, []
    plain, graphed = (make_training(registry, **settings) for _ in "ab")
    expected, _ = train(*plain)
    graph = StepGraph(*graphed, notices.append)
    rows, by_graph = train(*graphed, graph)
    assert notices == []
    assert len(by_graph) > STEPS // 2
    assert {width for width, _ in graph._replays} == set(plain[1].buckets.widths)
    assert len(plain[1].buckets.widths) > 1
    assert np.allclose(rows[:, 0], expected[:, 0], rtol=0.2 if settings.get("amp") else 1e-2)


def unmasked(image):
    """Return a backbone that does not take widths."""
    return nn.Sequential(nn.Conv2d(image.channels, 4, 5, stride=2), nn.ReLU())


def test_a_backbone_without_masks_is_in_a_graph_for_each_width(registry):
    mine = Plugin("mine", "ctcbench-mine", "1", "mine", components=(Component("backbone", unmasked),))
    settings = {
        "backbone": "unmasked",
        "head": "bigru1:width=8",
        "widths": [60] * 6 + [40] * 6,
        "batch_size": 3,
    }
    notices, registry = [], Registry((*registry.plugins, mine))
    expected, _ = train(*make_training(registry, **settings))
    _, rows, by_graph = train_by_graph(registry, notices, **settings)
    assert notices == []
    assert by_graph == list(range(1, STEPS))
    assert np.allclose(rows[:, 0], expected[:, 0], rtol=1e-2)


def test_the_compiled_network_is_in_the_graph(registry):
    pytest.importorskip("triton")
    settings = {"backbone": "cnn5:width=8", "head": "none", "compile": True}
    notices = []
    expected, _ = train(*make_training(registry, **{**settings, "compile": False}))
    _, rows, by_graph = train_by_graph(registry, notices, **settings)
    assert notices == []
    assert by_graph
    assert np.allclose(rows[:, 0], expected[:, 0], rtol=2e-2)


@pytest.mark.parametrize("settings", [{}, {"head": "bilstm2:width=8,dropout=0.2", "augmentation": "distort"}])
def test_deterministic_trainings_by_graph_have_the_same_bits(registry, settings):
    settings = {"deterministic": True, "backbone": "cnn3:width=8", **settings}
    (one, _, by_graph), (other, _, _) = (train_by_graph(registry, [], **settings) for _ in "ab")
    assert by_graph
    assert format_checkpoint(one, {}, {}) == format_checkpoint(other, {}, {})


@pytest.mark.parametrize("settings", [{"ema": 0.9}, {"amp": True, "amp_dtype": "float16"}], ids=str)
def test_captures_and_trials_leave_no_trace(registry, settings):
    state, part, config = make_training(registry, augmentation="distort", **settings)
    graph = StepGraph(state, part, config, print)
    with device.torch_settings(config, state.compute):
        for _ in range(3):  # the first step and a smaller batch, which are tried, and between them a capture
            before, random = format_checkpoint(state, {}, {}), torch.cuda.get_rng_state()
            assert graph.prepare() > 0
            assert format_checkpoint(state, {}, {}) == before
            assert torch.equal(torch.cuda.get_rng_state(), random)
            if graph.step() is None:
                step.train_step(state, split.batch_at(part, state.step, config), config)


def test_the_host_does_not_wait_for_a_replay(registry):
    state, part, config = make_training(registry, augmentation="distort", ema=0.9, blank_penalty=1.0)
    graph = StepGraph(state, part, config, print)
    with device.torch_settings(config, state.compute):
        step.train_step(state, split.batch_at(part, 0, config), config)
        assert graph.step() is not None
        torch.arange(len(part)).pin_memory()  # allocated once, which may wait
        torch.cuda.synchronize()
        torch.cuda._sleep(500_000_000)
        busy = torch.cuda.Event()
        busy.record()
        torch.cuda.set_sync_debug_mode("error")
        try:
            # The second step of an epoch, and the first of the next one, whose order is copied to the device.
            for number in (1, 3):
                state.step = number
                assert graph.step() is not None
            assert not busy.query()
        finally:
            torch.cuda.set_sync_debug_mode("default")


def test_a_part_that_reads_on_the_host_is_named_and_training_continues(registry):
    state, part, config = make_training(registry)
    state.model.head.register_forward_hook(lambda module, x, y: y * (1 + 0 * y.detach().mean().item()))
    notices = []
    rows, by_graph = train(state, part, config, StepGraph(state, part, config, notices.append))
    (notice,) = notices
    assert f"head {config.head!r} reads the value of a tensor on the host" in notice
    assert by_graph == []
    assert np.isfinite(rows).all()


class Waiting(nn.Module):
    """The identity, which waits for the GPU by a call that is no operator."""

    def forward(self, x):
        torch.cuda.synchronize()
        return x


def test_a_capture_that_fails_is_one_notice_and_training_continues(registry):
    state, part, config = make_training(registry)
    state.model.head.register_forward_hook(lambda module, x, y: Waiting()(y))
    expected, _ = train(*make_training(registry))
    notices = []
    rows, by_graph = train(state, part, config, StepGraph(state, part, config, notices.append))
    assert len(notices) == 1
    assert "the capture failed" in notices[0]
    assert by_graph == []
    assert np.allclose(rows[:, 0], expected[:, 0], rtol=1e-2)
    # The allocator returns memory again, which it does not while a capture is underway.
    reserved = torch.cuda.memory_reserved()
    torch.empty(1 << 28, dtype=torch.uint8, device="cuda")
    torch.cuda.empty_cache()
    assert torch.cuda.memory_reserved() <= reserved
    # Pinned memory too.
    assert torch.equal(torch.arange(9).pin_memory().cuda(non_blocking=True).cpu(), torch.arange(9))
    # The next training of the process is captured, and draws its random numbers as without the failure.
    settings = {"backbone": "cnn3:width=8,dropout=0.2", "augmentation": "distort"}
    expected, _ = train(*make_training(registry, **settings))
    _, rows, by_graph = train_by_graph(registry, notices, **settings)
    assert len(notices) == 1
    assert by_graph
    assert np.allclose(rows[:, 0], expected[:, 0], rtol=1e-2)


def losses_of(result):
    return [row["loss"] for row in RunFolder(result.folder).read_metrics() if row["kind"] == "steps"]


@pytest.mark.parametrize("precision", [{"amp": False}, {"amp": True, "amp_dtype": "float16"}], ids=str)
def test_a_run_learns_the_same_with_and_without_the_graph(registry, tmp_path, monkeypatch, precision):
    monkeypatch.setattr(monitor, "RECORD_EVERY", 1)
    losses = []
    for graph in (None, False):
        listener = Listener()
        runtime = Runtime(tmp_path / str(graph), graph=graph, listener=listener)
        result = runner.run(resolve(registry, tiny(device="cuda", **precision)), runtime)
        assert listener.notices == []
        assert result.provenance["training"]["step_graph"] is (graph is None)
        losses.append(losses_of(result))
    assert len(losses[0]) == len(losses[1])
    assert losses[0] == pytest.approx(losses[1], rel=5e-2)


def test_a_run_by_graphs_is_resumed(registry, tmp_path, monkeypatch):
    config = tiny(device="cuda", deterministic=True, ema=0.9, epochs=3)
    whole = runner.run(resolve(registry, config), Runtime(tmp_path / "whole"))

    def interrupting(state, batch, config):
        if state.step == 9:  # the smaller last batch of the second epoch
            os.kill(os.getpid(), signal.SIGINT)
        return step.train_step(state, batch, config)

    monkeypatch.setattr(loop, "train_step", interrupting)
    with pytest.raises(Interrupted):
        runner.run(resolve(registry, config), Runtime(tmp_path / "stopped"))
    monkeypatch.undo()
    listener = Listener()
    resumed = runner.run(
        resolve(registry, config), Runtime(tmp_path / "stopped", resume=True, listener=listener)
    )
    assert [notice for notice in listener.notices if "started on" in notice] == []
    values = [RunFolder(result.folder).read_log_probs("test").values_NTK for result in (whole, resumed)]
    assert np.array_equal(*values)


def test_the_benchmark_reports_fewer_launches_with_the_graph(own_cache, capsys):
    flags = [f"--{name.replace('_', '-')}={value}" for name, value in TINY.items()]
    assert main(["bench", "train", *flags, "--device=cuda", "--steps=10", "--json"]) == 0
    on_gpu = json.loads(capsys.readouterr().out)["on_gpu"]
    plain, graph = on_gpu["plain"], on_gpu["graph"]
    assert graph["obstacle"] == ""
    assert graph["launches"] < plain["launches"] / 3
    for row in (plain, graph):
        assert row["busy_ms"] > 0
        # Of this tiny network it is less than the fourth decimal, to which it is rounded.
        assert 0 <= row["share_of_peak"] < 1
