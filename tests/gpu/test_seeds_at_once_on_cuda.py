"""Trainings that take turns on one GPU, each on a stream of its own; `make test-gpu` runs these."""

import math
from dataclasses import replace

import pytest
import torch

from ctcbench.config.recipe import resolve
from ctcbench.pipeline import runner
from ctcbench.pipeline.joint_training import train_together
from ctcbench.results.run_folder import RunFolder
from ctcbench.training import loop, step
from ctcbench.training.cuda import host_reads
from ctcbench.training.cuda.lane import make_lanes
from ctcbench.training.monitor import TrainingDiverged
from ctcbench.training.runtime import Runtime
from tests.pipeline.run_cases import Listener
from tests.tiny_config import tiny

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no CUDA device"),
]
SEEDS = tuple(range(4))
# Random numbers in the backbone, in the head and in the augmentation, which ends before the last epoch.
RANDOM = {"augmentation": "distort", "augment_until": 0.5, "ema": 0.9, "epochs": 4}


def recipes(registry, **settings):
    return [resolve(registry, tiny(seed=seed, device="cuda", **{**RANDOM, **settings})) for seed in SEEDS]


def train(recipes, out, listener=None):
    """Train together; return the errors, None where there is none."""
    errors = {}
    runtime = Runtime(out, listener=listener or Listener())
    train_together(recipes, [runtime] * len(recipes), errors.__setitem__)
    return [errors[index] for index in range(len(recipes))]


def folder(out, recipe):
    return RunFolder(out / recipe.train_key)


def losses(run):
    return [row["loss"] for row in run.read_metrics() if row["kind"] == "steps"]


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"head": "bilstm2:width=8,dropout=0.2"},
        {"optimizer": "adamw", "amp": True, "amp_dtype": "float16"},
        {"backbone": "cnn5:width=8,dropout=0.1", "head": "none", "amp": True, "amp_dtype": "bfloat16"},
    ],
    ids=str,
)
def test_deterministic_trainings_have_the_bits_of_separate_ones(registry, tmp_path, settings):
    given, listener = recipes(registry, deterministic=True, **settings), Listener()
    assert train(given, tmp_path / "together", listener) == [None] * 4
    assert listener.notices == []
    for recipe in given:
        runner.run(recipe, Runtime(tmp_path / "alone"))
        together, alone = (folder(tmp_path / name, recipe) for name in ("together", "alone"))
        assert together.read_summary()["training"]["step_graph"] is True
        assert losses(together) == losses(alone)
        assert together.weights_path.read_bytes() == alone.weights_path.read_bytes()
    # Different seeds are different trainings, also by the generator on the device.
    assert len({tuple(losses(folder(tmp_path / "together", recipe))) for recipe in given}) == 4


@pytest.mark.parametrize("graph", [None, False])
def test_trainings_learn_the_same_together_and_alone(registry, tmp_path, graph):
    given = recipes(registry, amp=False)
    errors = {}
    runtime = Runtime(tmp_path / "together", graph=graph)
    train_together(given, [runtime] * 4, errors.__setitem__)
    assert set(errors.values()) == {None}
    for recipe in given:
        runner.run(recipe, Runtime(tmp_path / "alone", graph=graph))
        found = [losses(folder(tmp_path / name, recipe)) for name in ("together", "alone")]
        assert found[0] == pytest.approx(found[1], rel=2e-2)


def test_the_step_is_searched_once_for_all_and_the_images_are_on_the_gpu_once(
    registry, tmp_path, monkeypatch
):
    searched, real = [], host_reads.find_host_reads
    monkeypatch.setattr(host_reads, "find_host_reads", lambda *given: searched.append(1) or real(*given))
    splits = []
    prepared = loop.Trainer.restore
    monkeypatch.setattr(loop.Trainer, "restore", lambda self: splits.append(self.train) or prepared(self))
    assert train(recipes(registry), tmp_path) == [None] * 4
    assert len(searched) == 2  # with augmentation and without
    assert len({split.images_NCHW.data_ptr() for split in splits}) == 1


def test_a_training_that_fails_leaves_the_others_as_they_are(registry, tmp_path, monkeypatch):
    given = recipes(registry, deterministic=True)
    assert train(given, tmp_path / "whole") == [None] * 4

    def spoiled(state, batch, config):
        metrics = step.train_step(state, batch, config)
        bad = config.seed == 1 and state.step > 1  # an epoch's smaller last batch has no graph
        return replace(metrics, loss=metrics.loss * (math.nan if bad else 1))

    monkeypatch.setattr(loop, "train_step", spoiled)
    errors = train(given, tmp_path / "spoiled")
    assert isinstance(errors[1], TrainingDiverged)
    for recipe in (given[0], given[2], given[3]):
        whole, spared = (folder(tmp_path / name, recipe) for name in ("whole", "spoiled"))
        assert whole.weights_path.read_bytes() == spared.weights_path.read_bytes()


def test_lanes_draw_numbers_of_their_own_at_the_same_time():
    device = torch.device("cuda")
    lanes = make_lanes(device, 2)
    outside = torch.cuda.get_rng_state()
    drawn = []
    for lane, seed in zip(lanes, (1, 2), strict=True):
        with lane:
            assert torch.cuda.current_stream() != torch.cuda.default_stream()
            torch.cuda.manual_seed(seed)
    for _ in range(2):
        for lane in lanes:
            with lane:
                drawn.append(torch.rand(4, device=device))
    torch.cuda.synchronize()
    assert torch.equal(torch.cuda.get_rng_state(), outside)
    assert torch.cuda.current_stream() == torch.cuda.default_stream()
    with torch.random.fork_rng(devices=[0]):
        for seed, numbers in ((1, drawn[0::2]), (2, drawn[1::2])):
            torch.cuda.manual_seed(seed)
            for number in numbers:
                assert torch.equal(torch.rand(4, device=device), number)
