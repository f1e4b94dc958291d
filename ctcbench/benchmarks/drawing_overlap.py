"""Benchmark of drawing while training: whole runs from an empty cache, with both orders in turn."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from ctcbench.config.recipe import resolve
from ctcbench.config.run_config import RunConfig
from ctcbench.pipeline.runner import run
from ctcbench.registry.component_registry import Registry
from ctcbench.results.run_folder import RunFolder
from ctcbench.training.runtime import Runtime

_CACHE = "CTCBENCH_CACHE"


@dataclass(frozen=True)
class OverlapTimes:
    """Seconds of each round.

    Attributes:
        before: of a run whose images are drawn before its training, from its settings to its result.
        during: of a run whose training images are drawn during its training.
        training_before: of the training alone.
        training_during: of the training alone, without waits for images.
    """

    before: list[float] = field(default_factory=list)
    during: list[float] = field(default_factory=list)
    training_before: list[float] = field(default_factory=list)
    training_during: list[float] = field(default_factory=list)


def measure(
    registry: Registry, config: RunConfig, rounds: int, notice: Callable[[str], None] = lambda _: None
) -> OverlapTimes:
    """Run both ways in each round, each time with an empty cache and a new output folder.

    Raises:
        UsageError, CtcbenchError: as `run`.
    """
    times, recipe = OverlapTimes(), resolve(registry, config)
    with _empty_cache() as folder:
        # Once without a measurement: the first training of a process takes longer than the others.
        run(recipe, Runtime(folder / "warm-up", overlap=False))
    for number in range(rounds):
        # Alternating which is first, so that a trend of the machine's speed affects both alike.
        for overlap in (number % 2 == 0, number % 2 == 1):
            notice(f"round {number + 1} of {rounds}: drawn {'during' if overlap else 'before'} the training")
            with _empty_cache() as folder:
                started = time.perf_counter()
                result = run(recipe, Runtime(folder / "out", overlap=overlap))
                seconds = time.perf_counter() - started
                assert result.folder is not None
                training = RunFolder(result.folder).read_summary()["train_seconds"]
            (times.during if overlap else times.before).append(seconds)
            (times.training_during if overlap else times.training_before).append(training)
    return times


@contextmanager
def _empty_cache() -> Iterator[Path]:
    """Yield a new folder, in which the cache is while the context lasts."""
    known = os.environ.get(_CACHE)
    with tempfile.TemporaryDirectory() as folder:
        os.environ[_CACHE] = str(Path(folder) / "cache")
        try:
            yield Path(folder)
        finally:
            if known is None:
                del os.environ[_CACHE]
            else:
                os.environ[_CACHE] = known
