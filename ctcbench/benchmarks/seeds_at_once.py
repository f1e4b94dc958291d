"""Benchmark of training several seeds at once: the same trainings by several executors, alternating."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ctcbench.config.run_config import RunConfig
from ctcbench.contract.errors import CtcbenchError
from ctcbench.contract.executors import Event, Executor, Outcome
from ctcbench.contract.word_lists import counted
from ctcbench.data.run_dataset import build_run_dataset
from ctcbench.pipeline.run_context import draw
from ctcbench.registry.component_registry import Registry
from ctcbench.results.result import Result
from ctcbench.study.grid import expand
from ctcbench.study.plan import PlannedModel, make_plan
from ctcbench.study.study_execution import build_executor, run_plan
from ctcbench.study.study_file import StudySpec
from ctcbench.study.study_folder import StudyFolder
from ctcbench.training.device import choose_compute
from ctcbench.training.runtime import Runtime

_MOST_TOGETHER = 32  # of the executor `local`


@dataclass(frozen=True)
class StudyTimes:
    """Times of a study in seconds.

    Attributes:
        total: wall-clock time, with process start, inference and decoding.
        training: wall-clock time of the training steps of a worker, on average over the workers.
        capture: time of capturing steps as CUDA graphs, on average over the workers.
    """

    total: float
    training: float
    capture: float


@dataclass(frozen=True)
class SeedTimes:
    """Times of each round.

    Attributes:
        seeds: number of seeds that are trained together.
        alone: times of training one seed, by executor.
        together: times of training all seeds, by executor.
    """

    seeds: int
    alone: dict[str, list[StudyTimes]] = field(default_factory=dict)
    together: dict[str, list[StudyTimes]] = field(default_factory=dict)


def default_executors(config: RunConfig, seeds: int) -> list[str]:
    """Return the executors to compare on this machine: workers on a CPU, seeds in one worker on a GPU.

    Raises:
        UsageError: the device of the settings does not exist.
    """
    if choose_compute(config).device.type == "cuda":
        return ["local:workers=1", f"local:workers=1,together={min(seeds, _MOST_TOGETHER)}"]
    return ["local:workers=1", "local:workers=2"]


def measure(
    registry: Registry,
    config: RunConfig,
    runtime: Runtime,
    executors: Sequence[str],
    seeds: int,
    rounds: int,
    notice: Callable[[str], None] = lambda _: None,
) -> SeedTimes:
    """Train one seed, then `seeds` seeds, with each executor in each round.

    Raises:
        UsageError: as a run with these settings, or an executor does not exist.
        CtcbenchError: a training failed.
    """
    built = {
        text: build_executor(registry, registry.resolve("executor", text), {config.device})
        for text in executors
    }
    dataset = build_run_dataset(registry, config)
    # Drawn beforehand, or the first training alone would have the time of drawing.
    for split in ("train", "val", "test"):
        draw(dataset, config, runtime, split)
    times = SeedTimes(seeds, {text: [] for text in built}, {text: [] for text in built})
    for number in range(rounds):
        for text, executor in built.items():
            for count, into in ((1, times.alone), (seeds, times.together)):
                notice(f"round {number + 1} of {rounds}: {text}, {counted(count, 'seed')}")
                into[text].append(_times(registry, config, executor, count))
    return times


def _times(registry: Registry, config: RunConfig, executor: Executor, seeds: int) -> StudyTimes:
    settings = {name: value for name, value in config.model_dump().items() if name != "seed"}
    spec = StudySpec(name="bench", base=settings, seeds=tuple(range(seeds)), max_runs=seeds)
    # A new folder for each training: a study does not train a model again that it has.
    with tempfile.TemporaryDirectory() as out:
        folder = StudyFolder(Path(out), spec.name)
        resources = dict(executor.describe())
        with folder.lock():
            plan = make_plan(expand(registry, spec), folder, resources)
            started = time.perf_counter()
            study_outcome = run_plan(
                # No checkpoint during the training: 1e9 seconds never pass.
                plan,
                executor,
                _NullListener(),
                resources=resources,
                checkpoint_seconds=1e9,
            )
            elapsed = time.perf_counter() - started
        results = [result for model in plan.models for result in model.results().values()]
    if study_outcome.failed:
        raise CtcbenchError(f"a training failed: {next(iter(study_outcome.failed.values()))}")
    if study_outcome.stopped:
        raise CtcbenchError("a training was stopped: there is no time to report")
    # A worker trains one seed after another, or several in turns, each for its share of the time.
    workers = min(seeds, max(1, int(resources.get("workers", 1)) // int(resources.get("together", 1))))
    return StudyTimes(
        elapsed,
        sum(float(result.cost["train_seconds"]) for result in results) / workers,
        sum(float(result.provenance["training"]["capture_seconds"]) for result in results) / workers,
    )


class _NullListener:
    def trial_progressed(self, model: PlannedModel, worker: str, event: Event) -> None:
        pass

    def trial_ended(self, model: PlannedModel, outcome: Outcome, results: Mapping[str, Result]) -> None:
        pass

    def notice(self, text: str) -> None:
        pass
