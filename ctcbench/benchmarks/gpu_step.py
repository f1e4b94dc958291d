"""Time of a training step on a GPU, undisturbed, with and without the step's CUDA graph."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch.autograd import DeviceType  # type: ignore[attr-defined]

from ctcbench.benchmarks.full_steps import full_steps
from ctcbench.config.recipe import Recipe
from ctcbench.contract.specs import Alphabet, ImageSpec
from ctcbench.training import split, step
from ctcbench.training.cuda.step_graph import StepGraph
from ctcbench.training.device import Compute
from ctcbench.training.recognizer.network import build_recognizer

_WARM_UP_STEPS = 10
_PROFILED_STEPS = 10
# Calls by which the host gives a GPU work to do, in some versions with a suffix. A graph is one of them,
# however many kernels it has.
_LAUNCH = re.compile(
    r"(cuda|cu)(Launch(Cooperative)?Kernel(Ex|ExC)?|GraphLaunch|Mem(cpy|set)\w*Async)(_v\d+|_ptsz)*"
)


@dataclass(frozen=True)
class GpuStep:
    """A training step on a GPU.

    Attributes:
        step_ms: time of a step, mean over steps in a row that the host does not wait for.
        launches: what the host gives the GPU to do in a step: kernels, copies, graphs.
        busy_ms: time in which the GPU works on a step.
        obstacle: why the step has no graph, though one was wanted; then these are times without it.
    """

    step_ms: float
    launches: float
    busy_ms: float
    obstacle: str = ""


def measure_on_gpu(
    recipe: Recipe,
    image: ImageSpec,
    alphabet: Alphabet,
    part: split.Split,
    compute: Compute,
    steps: int,
    *,
    by_graph: bool,
) -> GpuStep:
    """Train for some steps of full batches on a GPU, and return the means of a step."""
    config = recipe.config
    torch.manual_seed(config.seed)
    model = build_recognizer(recipe, image, alphabet)
    # Of images of different widths an epoch has batches of each, and each of these has a graph.
    warm_up = max(_WARM_UP_STEPS, split.steps_per_epoch(part, config) if part.buckets else 0)
    # Full batches only, since a smaller one has no graph. The first step of a training has none either.
    numbers = [0, *full_steps(part, config, warm_up + steps + _PROFILED_STEPS)]
    state = step.new_state(recipe, model.train(), compute, numbers[-1] + 1)
    notices: list[str] = []
    graph = StepGraph(state, part, config, notices.append) if by_graph else None

    def run(count: int) -> None:
        for _ in range(count):
            state.step = numbers.pop(0)  # which decides the batch
            if graph is None or graph.step() is None:
                step.train_step(state, split.batch_at(part, state.step, config), config)

    run(1 + warm_up)
    torch.cuda.synchronize()
    started = time.perf_counter()
    run(steps)
    torch.cuda.synchronize()
    step_ms = (time.perf_counter() - started) * 1000 / steps
    events = _profile(lambda: run(_PROFILED_STEPS))
    return GpuStep(
        step_ms,
        count_launches(events) / _PROFILED_STEPS,
        busy_microseconds(events) / 1000 / _PROFILED_STEPS,
        "" if graph is None else graph.obstacle,
    )


def _profile(action: Callable[[], None]) -> list[Any]:
    """Return the events of the host and of the GPU while `action` runs."""
    activities = [torch.profiler.ProfilerActivity.CPU, torch.profiler.ProfilerActivity.CUDA]
    with torch.profiler.profile(activities=activities) as profiler:
        action()
        torch.cuda.synchronize()
    return list(profiler.events() or ())


def count_launches(events: Iterable[Any]) -> int:
    """Return the number of calls that gave the GPU work to do."""
    return sum(bool(_LAUNCH.fullmatch(event.name)) for event in events)


def busy_microseconds(events: Iterable[Any]) -> float:
    """Return the time in which a GPU did any work: kernels can overlap, and count once then."""
    spans = sorted(
        (event.time_range.start, event.time_range.end)
        for event in events
        # Ranges that torch names, such as a step of the optimizer, include the gaps between kernels.
        if event.device_type == DeviceType.CUDA
        and not getattr(event, "is_user_annotation", False)
        and not event.name.startswith("Optimizer.")
    )
    busy, reached = 0.0, float("-inf")
    for start, end in spans:
        busy += max(0.0, end - max(start, reached))
        reached = max(reached, end)
    return busy
