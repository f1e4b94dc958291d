"""Timing a few steps of a run before it starts: real steps of the real recipe, and nothing left of them."""

import numpy as np
import pytest
import torch

from ctcbench.config.recipe import resolve
from ctcbench.contract.errors import PluginError, UsageError
from ctcbench.data.built_dataset import build_dataset
from ctcbench.training import step, step_timing
from ctcbench.training.distributed.process_group import SINGLE_PROCESS_GROUP
from ctcbench.training.step_timing import measure_rates
from tests.pipeline.run_cases import pictures_config
from tests.tiny_config import tiny
from tests.training.step_cases import some_state


class TickingClock:
    """A clock that advances by `tick` seconds at each training step, and not otherwise."""

    def __init__(self, monkeypatch, tick=0.05):
        self.now, self.tick, self.steps = 0.0, tick, []
        monkeypatch.setattr(step, "train_step", self.observed)

    def __call__(self):
        return self.now

    def observed(self, state, batch, config):
        self.steps.append((state.step / state.steps, len(batch.images_NCHW)))
        self.now += self.tick
        return real_step(state, batch, config)


real_step = step.train_step


def measured(registry, clock, seconds=10.0, images=None, **settings):
    recipe = resolve(registry, tiny(device="cpu", **settings))
    dataset = build_dataset(registry, recipe.config.dataset)
    return measure_rates(
        recipe,
        dataset,
        seconds,
        images=images or recipe.config.batch_size,
        workers=2,
        group=SINGLE_PROCESS_GROUP,
        clock=clock,
    )


def test_the_time_of_a_step_is_the_mean_over_the_whole_schedule(registry, monkeypatch):
    clock = TickingClock(monkeypatch, tick=0.01)
    rates = measured(registry, clock)
    assert rates.step_seconds == pytest.approx(0.01)
    assert rates.step_images == 16
    assert rates.compute.startswith("cpu in ")
    threads = torch.get_num_threads()  # OMP_NUM_THREADS may be set
    assert rates.compute.endswith(f" {threads} thread{'s' * (threads != 1)}")
    places, sizes = zip(*clock.steps, strict=True)
    assert set(sizes) == {16}
    # Half a second of warm-up, and a twentieth of ten seconds: fifty steps each.
    assert len(places) == pytest.approx(100, abs=2)
    # Steps without augmentation are the last fifth of a schedule.
    assert np.histogram(places[-50:], bins=5, range=(0, 1))[0].tolist() == pytest.approx([10] * 5, abs=1)


@pytest.mark.parametrize(("share", "busy"), [(1.0, False), (0.9, False), (0.5, True)])
def test_other_programs_that_take_the_core_are_noticed(registry, monkeypatch, share, busy):
    clock = TickingClock(monkeypatch)
    recipe = resolve(registry, tiny(device="cpu"))
    dataset = build_dataset(registry, recipe.config.dataset)
    rates = measure_rates(
        recipe,
        dataset,
        1.0,
        images=16,
        workers=1,
        group=SINGLE_PROCESS_GROUP,
        clock=clock,
        cpu_clock=lambda: share * clock.now,
    )
    assert rates.cpu_share == pytest.approx(share)
    assert rates.machine_is_busy is busy


def test_an_epoch_smaller_than_a_batch_is_timed_with_its_own_size(registry, monkeypatch):
    clock = TickingClock(monkeypatch)
    assert measured(registry, clock, images=5).step_images == 5
    assert {size for _, size in clock.steps} == {5}


@pytest.mark.landing
def test_images_of_variable_width_are_timed_in_batches_of_all_widths(registry, monkeypatch):
    clock, widths = TickingClock(monkeypatch, tick=0.01), set()
    observed = step.train_step

    def noted(state, batch, config):
        widths.add(batch.images_NCHW.shape[3])
        return observed(state, batch, config)

    monkeypatch.setattr(step, "train_step", noted)
    dataset = "captcha:width=96,height=24,length=1-6,alphabet=digits,variable=true"
    rates = measured(registry, clock, dataset=dataset, batch_size=8)
    assert rates.step_images == 8
    sizes = [size for _, size in clock.steps]
    assert set(sizes) <= set(range(1, 9)) and min(sizes) < 8
    # A step of eight images, though some had fewer.
    assert rates.step_seconds == pytest.approx(0.01 * 8 / np.mean(sizes[len(sizes) // 2 :]), rel=0.03)
    assert len(widths) > 3


@pytest.mark.landing
def test_a_batch_larger_than_the_images_that_are_drawn_repeats_them(registry, monkeypatch):
    clock = TickingClock(monkeypatch)
    assert measured(registry, clock, 1.0, batch_size=200).step_images == 200
    assert {size for _, size in clock.steps} == {200}


def test_the_random_state_of_torch_is_as_before(registry, monkeypatch):
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    measured(registry, TickingClock(monkeypatch), augmentation="distort")
    assert torch.equal(torch.rand(3), expected)


def test_pictures_that_cant_be_used_are_passed_over(registry, monkeypatch, pictures):
    for path in sorted(pictures.iterdir())[:20]:
        path.write_bytes(b"no picture")
    recipe = resolve(registry, pictures_config(pictures))
    dataset = build_dataset(registry, recipe.config.dataset)
    options = {"images": 16, "workers": 1, "group": SINGLE_PROCESS_GROUP, "clock": TickingClock(monkeypatch)}
    assert measure_rates(recipe, dataset, 1.0, **options).step_images == 16
    for path in pictures.iterdir():
        path.write_bytes(b"no picture")
    dataset = build_dataset(registry, recipe.config.dataset)
    with pytest.raises(UsageError, match=r"none of its first \d+ 'train' samples can be used"):
        measure_rates(recipe, dataset, 1.0, **options)


def test_a_data_set_that_breaks_its_contract_is_named(registry, monkeypatch):
    recipe = resolve(registry, tiny())
    dataset = build_dataset(registry, recipe.config.dataset)
    monkeypatch.setattr(type(dataset.source), "draw", lambda self, split, index: 1 / 0)
    options = {"images": 16, "workers": 1, "group": SINGLE_PROCESS_GROUP}
    with pytest.raises(
        PluginError, match=r"\(builtin\): dataset captcha.*drawing captcha train/0 failed: Zero"
    ):
        measure_rates(recipe, dataset, 1.0, **options)


class PretendedGraph:
    """A graph whose captures take five seconds, and each step a thousandth."""

    def __init__(self, clock, state):
        self.clock, self.state, self.captured, self.steps = clock, state, set(), 0

    def prepare(self, before):
        augments = step.augments_at(self.state, self.state.recipe.config)
        if augments in self.captured:
            return 0.0
        self.captured.add(augments)
        self.clock.now += 5.0
        return 5.0

    def step(self):
        self.steps += 1
        self.clock.now += 0.001
        return self


def test_steps_by_a_graph_are_timed_without_its_captures(registry, monkeypatch):
    clock = TickingClock(monkeypatch)
    state, part, _ = some_state(registry)
    state.steps = 10_000
    steps = step_timing._Steps(state, part, np.arange(16), 1.0, state.recipe, clock, 16)
    steps.graph = PretendedGraph(clock, state)
    assert steps.run_for(0.2, 3) == pytest.approx(0.001 / 16)
    assert steps.graph.steps == pytest.approx(200, abs=2)
    assert steps.capture_seconds == 10.0
    assert clock.steps == []
