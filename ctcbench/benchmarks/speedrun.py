"""The speed record: how long a recipe trains until it reads a fixed share of a fixed task.

The counterpart for CTC of DAWNBench (Coleman et al. 2017) and airbench (Jordan 2024). docs/speedrun.md has
the rules and the table of records.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ctcbench.benchmarks.speedrun_tracks import TRACKS, unfit_here, why_unfit
from ctcbench.config.recipe import Recipe, resolve
from ctcbench.config.run_config import RunConfig
from ctcbench.contract.errors import UsageError
from ctcbench.evaluation.seed_statistics import SeedSpread, bounded, spread
from ctcbench.pipeline import runner
from ctcbench.registry.component_registry import Registry
from ctcbench.reporting.number_format import percent
from ctcbench.results.result import Result
from ctcbench.results.run_folder import RunFolder
from ctcbench.training.recognizer.spec_sheet import spec_sheet
from ctcbench.training.runtime import Runtime

DATASET = "captcha"  # with its default options: five characters of 62 classes, 150 × 40
TEST_SAMPLES = 10_000
FEWEST_RUNS = 10  # in a record
TARGETS = ("90", "95", "97.5")


@dataclass(frozen=True)
class TimedRun:
    """One training of a speed record.

    Attributes:
        seed: its seed.
        exact: share of the test images whose whole text is right.
        train_seconds: seconds of its training steps.
    """

    seed: int
    exact: float
    train_seconds: float


@dataclass(frozen=True)
class SpeedRecord:
    """The trainings of one recipe with the seeds 0, 1, 2, …

    Attributes:
        target: the share of the test images to be read, 0 to 1.
        track: the hardware that the rules allow, one of `TRACKS`.
        runs: the trainings, in the order of their seeds.
        images: training images an epoch.
        epochs: epochs.
        flops: FLOPs of a training, the mean over the runs: three forward passes for each image of its steps;
            a multiply-add counts as two.
        config: every setting but the seed.
        host: CPU, GPU and number of cores.
        versions: versions of ctcbench, Python and packages.
        plugins: versions of the plugins that are installed.
    """

    target: float
    track: str
    runs: tuple[TimedRun, ...]
    images: int
    epochs: int
    flops: int
    config: Mapping[str, Any]
    host: Mapping[str, Any]
    versions: Mapping[str, Any]
    plugins: Mapping[str, Any]

    @property
    def exact(self) -> SeedSpread:
        """Mean of the exact accuracies over seeds, with its 95 % interval within 0 to 1."""
        found = spread([run.exact for run in self.runs])
        return replace(found, interval=bounded(found.interval, 0.0, 1.0)) if found.interval else found

    @property
    def train_seconds(self) -> SeedSpread:
        """Mean of the seconds of training over seeds, with its 95 % interval from 0."""
        found = spread([run.train_seconds for run in self.runs])
        return replace(found, interval=bounded(found.interval, 0.0, math.inf)) if found.interval else found

    @property
    def shortfall(self) -> str:
        """Why this is no record, empty if it is one."""
        if len(self.runs) < FEWEST_RUNS:
            return f"{len(self.runs)} of the {FEWEST_RUNS} runs that a record needs"
        if self.exact.mean < self.target:
            return f"the mean is {percent(self.target - self.exact.mean)} below the target"
        return ""

    def to_json(self) -> dict[str, Any]:
        """Return the record as a JSON document, which is also the log of a row in docs/speedrun.md."""
        exact, seconds = self.exact, self.train_seconds
        return {
            "target": self.target,
            "track": self.track,
            "exact": {"mean": exact.mean, "sd": exact.sd, "interval": exact.interval},
            "train_seconds": {"mean": seconds.mean, "sd": seconds.sd, "interval": seconds.interval},
            "tflop": self.flops / 1e12,
            "images": self.images,
            "epochs": self.epochs,
            "runs": [vars(run) for run in self.runs],
            "shortfall": self.shortfall,
            "config": dict(self.config),
            "host": dict(self.host),
            "versions": dict(self.versions),
            "plugins": dict(self.plugins),
        }


def fixed_task(registry: Registry, config: RunConfig, track: str) -> RunConfig:
    """Return the settings with the test images and the device that the rules fix.

    Raises:
        UsageError: the settings have another data set or start from trained weights, or the machine does
            not belong to the track.
    """
    if registry.resolve("dataset", config.dataset) != registry.resolve("dataset", DATASET):
        raise UsageError(
            f"--dataset {config.dataset}: the task of the speed record is {DATASET} with its default "
            f"options; leave --dataset out"
        )
    if config.extra_dataset:
        raise UsageError(
            f"--extra-dataset {config.extra_dataset}: a record is trained on the images of its task alone; "
            f"leave it out"
        )
    if config.init_from:
        raise UsageError(f"--init-from {config.init_from}: a record starts from random weights; leave it out")
    if reason := unfit_here(track):
        raise UsageError(f"--track {track}: {reason}, or use --track open")
    device = TRACKS[track].device
    if device and config.device not in ("auto", device):
        raise UsageError(f"--device {config.device}: the track {track} is measured on {device}; leave it out")
    return config.replace(test_samples=TEST_SAMPLES, device=device or config.device)


def measure(
    registry: Registry, config: RunConfig, runtime: Runtime, *, target: float, track: str, runs: int
) -> SpeedRecord:
    """Train a recipe with the seeds 0 to `runs` − 1 and return its record; finished runs are read again.

    Args:
        registry: the components.
        config: the settings; the seed, the test images and the device are replaced.
        runtime: the folder of the runs and the progress; stopped runs are resumed.
        target: the share of the test images to be read, 0 to 1.
        track: one of `TRACKS`.
        runs: number of trainings.

    Raises:
        UsageError: as `fixed_task`, or as `run`; or a finished run in the folder is of another machine.
    """
    config = fixed_task(registry, config, track)
    recipes = [resolve(registry, config.replace(seed=seed)) for seed in range(runs)]
    results = []
    for number, recipe in enumerate(recipes):
        runtime.listener.notice(f"run {number + 1} of {runs}: seed {recipe.config.seed}")
        folder = RunFolder(runtime.out / recipe.train_key)
        results.append(runner.run(recipe, replace(runtime, resume=folder.has(folder.checkpoint_path))))
    origins = [_origin(result) for result in results]
    require_one_machine(results, origins)
    # They may have been trained elsewhere, or by several processes.
    first = origins[0]
    if reason := why_unfit(track, first.host, first.processes):
        raise UsageError(
            f"{results[0].folder}: not of --track {track}, since in its training {reason}; give a new folder "
            f"by --out, or use --track open"
        )
    return SpeedRecord(
        target=target,
        track=track,
        runs=tuple(
            TimedRun(seed, result.score.exact, float(result.cost["train_seconds"]))
            for seed, result in enumerate(results)
        ),
        images=config.train_samples,
        epochs=config.epochs,
        flops=round(statistics.mean(training_flops(recipes[0], origin.steps) for origin in origins)),
        config={k: v for k, v in recipes[0].config.model_dump().items() if k != "seed"},
        host=first.host,
        versions=first.versions,
        plugins=first.plugins,
    )


@dataclass(frozen=True)
class _Origin:
    """What a training ran on, and how long."""

    host: Mapping[str, Any]
    versions: Mapping[str, Any]
    plugins: Mapping[str, Any]
    processes: int
    steps: int


def _origin(result: Result) -> _Origin:
    found = result.provenance
    host, training = found.get("host") or {}, found.get("training") or {}
    stated = (host.get("cores"), found.get("versions"), training.get("processes"), training.get("steps"))
    if not all(stated) or "gpu" not in host:
        raise UsageError(
            f"{result.folder}: its result does not state its machine, versions and steps; give a new folder "
            f"by --out"
        )
    return _Origin(
        host, found["versions"], found.get("plugins") or {}, training["processes"], training["steps"]
    )


def require_one_machine(results: Sequence[Result], origins: Sequence[_Origin]) -> None:
    """Check that all trainings ran on one machine with the same versions.

    Raises:
        UsageError: two of them differ; the message names the run folder.
    """
    first = origins[0]
    for result, found in zip(results, origins, strict=True):
        # A plugin that only one of them had is none of the recipe's.
        common = found.plugins.keys() & first.plugins.keys()
        for what, same in (
            ("on another machine", found.host == first.host),
            ("by more or fewer processes", found.processes == first.processes),
            ("with other versions", found.versions == first.versions),
            (
                "with another version of a plugin",
                all(found.plugins[name] == first.plugins[name] for name in common),
            ),
        ):
            if not same:
                raise UsageError(
                    f"{result.folder}: trained {what} than {results[0].folder}; give a new folder by --out"
                )


def training_flops(recipe: Recipe, steps: int) -> int:
    """Return the FLOPs of a training of `steps` steps: three forward passes for each image of them.

    A multiply-add counts as two.
    """
    config = recipe.config
    # The last batch of an epoch may be smaller than the others.
    epochs, rest = divmod(steps, math.ceil(config.train_samples / config.batch_size))
    images = epochs * config.train_samples + min(rest * config.batch_size, config.train_samples)
    return 3 * images * spec_sheet(recipe).flops
