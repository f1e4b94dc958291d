"""Time of a training step by part, measured inside the real step."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from ctcbench.benchmarks.floor import Floor, find_floor, uncounted
from ctcbench.benchmarks.full_steps import full_steps, width_of
from ctcbench.benchmarks.gpu_step import GpuStep, measure_on_gpu
from ctcbench.config.recipe import Recipe, resolve
from ctcbench.config.run_config import RunConfig
from ctcbench.data.run_dataset import build_run_dataset
from ctcbench.pipeline.run_context import draw
from ctcbench.registry.component_registry import Registry
from ctcbench.training import device, split, step
from ctcbench.training.recognizer.network import build_recognizer
from ctcbench.training.recognizer.spec_sheet import spec_sheet
from ctcbench.training.runtime import Runtime

# The parts that any implementation needs; the rest is overhead of this program.
WORK = ("augment", "forward", "loss", "backward", "optimiser")
PARTS = ("data", *WORK, "other")


@dataclass(frozen=True)
class StepTimes:
    """Milliseconds of each measured step, in total and by part, and the machine they were measured on.

    Attributes:
        batch_size: images per step: the setting, or the number of training images if that is smaller.
        floor: lower bound of the step's time; its arithmetic is three times that of the forward pass. Of
            images of different widths, that of a batch of median width.
        on_gpu: the undisturbed step, ``plain`` and by ``graph``; empty on a CPU.
    """

    total_ms: list[float]
    parts_ms: dict[str, list[float]]
    batch_size: int
    parameters: int
    device: str
    precision: str
    threads: int
    floor: Floor
    on_gpu: dict[str, GpuStep] = field(default_factory=dict)

    def share_of_peak(self, step_ms: float) -> float:
        """Return the share of the device's peak arithmetic that a step of `step_ms` milliseconds uses."""
        return self.floor.milliseconds()["arithmetic"] / step_ms


class Clock:
    """Adds up the time spent in named parts; synchronises with a GPU at both ends of each."""

    def __init__(self, device: torch.device) -> None:
        self.spent: dict[str, float] = {}
        self._on_gpu = device.type == "cuda"

    def now(self) -> float:
        """Return the time in milliseconds, after the GPU has finished all work so far."""
        # Synchronising takes time itself, so the parts are slower than in an undisturbed step.
        if self._on_gpu:
            torch.cuda.synchronize()
        return time.perf_counter() * 1000

    def around(self, part: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function that calls `function` and adds its time to `part`."""

        def timed(*arguments: Any, **keywords: Any) -> Any:
            started = self.now()
            try:
                return function(*arguments, **keywords)
            finally:
                self.spent[part] = self.spent.get(part, 0.0) + self.now() - started

        return timed


class _TimedScaler:
    """Gradient scaler that measures the backward pass and the optimiser's step, which go through it."""

    def __init__(self, scaler: torch.amp.GradScaler, clock: Clock) -> None:
        self._scaler, self._clock = scaler, clock
        self.unscale_, self.update = scaler.unscale_, scaler.update
        self.step = clock.around("optimiser", scaler.step)

    def scale(self, loss: Tensor) -> Any:
        scaled: Any = self._scaler.scale(loss)
        # backward() is a method of this tensor, which exists only within the step: it is wrapped here.
        scaled.backward = self._clock.around("backward", scaled.backward)
        return scaled


def measure(
    registry: Registry, config: RunConfig, runtime: Runtime, steps: int, warm_up: int = 5
) -> StepTimes:
    """Train for `steps` steps as a run would, after `warm_up` others, and return their times by part.

    Raises:
        UsageError: as a run with these settings.
    """
    recipe = resolve(registry, config.replace(augment_until=1.0))  # every step augments
    config = recipe.config
    dataset = build_run_dataset(registry, config)
    source = dataset.source
    compute = device.choose_compute(config)
    samples = draw(dataset, config, runtime, "train")
    recipe = recipe.replace(batch_size=min(config.batch_size, len(samples)))
    config = recipe.config
    with device.torch_settings(config, compute):
        torch.manual_seed(config.seed)
        model = build_recognizer(recipe, source.image, source.alphabet)
        part = split.make_split(samples, source.alphabet, compute.device)
        part = part.with_buckets(config.batch_size, exact=bool(model.unmasked))
        numbers = full_steps(part, config, steps + warm_up)
        floor = _floor(recipe, part, numbers[warm_up:], compute)
        clock = Clock(compute.device)
        state = step.new_state(recipe, model.train(), compute, steps + warm_up)
        # The parts are replaced in the state, so that the step that is measured is the real one.
        state.objective = clock.around("loss", state.objective)  # type: ignore[assignment]
        state.augment = clock.around("augment", state.augment)  # type: ignore[assignment]
        state.network = clock.around("forward", state.network)  # type: ignore[assignment]
        state.scaler = _TimedScaler(state.scaler, clock)  # type: ignore[assignment]
        batch_at = clock.around("data", split.batch_at)
        total_ms: list[float] = []
        parts_ms: dict[str, list[float]] = {name: [] for name in PARTS}
        for count, number in enumerate(numbers):
            clock.spent.clear()
            started = clock.now()
            step.train_step(state, batch_at(part, number, config), config)
            elapsed = clock.now() - started
            # The first steps allocate memory, and cuDNN may try several algorithms.
            if count >= warm_up:
                total_ms.append(elapsed)
                for name in PARTS[:-1]:
                    parts_ms[name].append(clock.spent.get(name, 0.0))
                parts_ms["other"].append(elapsed - sum(clock.spent.values()))
        on_gpu = {}
        if compute.device.type == "cuda":
            # The clock synchronises at each part, so a step is measured again without it.
            del state
            on_gpu = {
                name: measure_on_gpu(
                    recipe, source.image, source.alphabet, part, compute, steps, by_graph=name == "graph"
                )
                for name in ("plain", "graph")
            }
    return StepTimes(
        total_ms,
        parts_ms,
        config.batch_size,
        sum(p.numel() for p in model.parameters()),
        compute.name() or "cpu",
        compute.precision,
        torch.get_num_threads(),
        floor,
        on_gpu,
    )


def _floor(recipe: Recipe, part: split.Split, numbers: list[int], compute: device.Compute) -> Floor:
    """Return the floor of the one of these steps whose images have the median width.

    It is the second step of a training; the first one allocates the optimiser's state.
    """
    recipe = recipe.replace(compile=False)  # operators of compiled code can't be counted
    config = recipe.config
    source = build_run_dataset(recipe.registry, config).source
    model = build_recognizer(recipe, source.image, source.alphabet)
    state = step.new_state(recipe, model.train(), compute, steps=10)
    number = sorted(numbers, key=lambda number: width_of(part, number, config))[len(numbers) // 2]
    batch = split.batch_at(part, number, config)
    step.train_step(state, batch, config)
    if compute.device.type == "cuda" and state.objective.obstacle:
        state.objective = replace(state.objective, function=uncounted(state.objective.function))
    # The backward pass has two products for each of the forward pass: the gradients of inputs and of weights.
    flops = 3 * config.batch_size * spec_sheet(recipe, width_of(part, number, config)).flops
    return find_floor(lambda: step.train_step(state, batch, config), [*model.parameters()], flops, compute)
