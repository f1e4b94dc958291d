"""The speed record: how long a recipe trains until it reads a fixed share of a fixed task.

The counterpart for CTC of DAWNBench (Coleman et al. 2017) and airbench (Jordan 2024). docs/speedrun.md has
the rules and the table of records.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch

from ctcbench.config.recipe import Recipe, resolve
from ctcbench.config.run_config import RunConfig
from ctcbench.contract.errors import UsageError
from ctcbench.evaluation.seed_statistics import SeedSpread, bounded, spread
from ctcbench.pipeline import runner
from ctcbench.registry.component_registry import Registry
from ctcbench.reporting.number_format import percent
from ctcbench.results.result import Result
from ctcbench.results.run_folder import RunFolder
from ctcbench.training.device import choose_compute
from ctcbench.training.recognizer.spec_sheet import spec_sheet
from ctcbench.training.runtime import Runtime

DATASET = "captcha"  # with its default options: five characters of 62 classes, 150 × 40
TEST_SAMPLES = 10_000
FEWEST_RUNS = 10  # in a record
TARGETS = ("90", "95", "97.5")
_THREADS = 2


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
        flops: FLOPs of the training: three forward passes an image and epoch; a multiply-add counts as two.
        config: every setting but the seed.
        host: CPU, GPU and number of cores.
        versions: versions of ctcbench, Python and packages.
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
        }


def on_two_cores() -> str:
    """Return why this machine or process does not fit the track of two CPU cores, empty if it does."""
    if torch.get_num_threads() > _THREADS:
        return f"torch uses {torch.get_num_threads()} threads; set OMP_NUM_THREADS={_THREADS}"
    return ""


def on_one_h100() -> str:
    """Return why this machine does not fit the track of one H100, empty if it does."""
    if not torch.cuda.is_available():
        return "no CUDA device is available"
    name = torch.cuda.get_device_name()
    return "" if "H100" in name else f"the GPU is {name}"


@dataclass(frozen=True)
class HardwareTrack:
    """The hardware of a class of records.

    Attributes:
        device: the device that trains, as in `RunConfig`; empty: any.
        unfit: returns why this machine does not belong to the track, or an empty text.
    """

    device: str
    unfit: Callable[[], str]


TRACKS: dict[str, HardwareTrack] = {
    "two-cores": HardwareTrack("cpu", on_two_cores),
    "h100": HardwareTrack("cuda", on_one_h100),
    "open": HardwareTrack("", lambda: ""),
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
    if reason := TRACKS[track].unfit():
        raise UsageError(f"--track {track}: {reason}, or use --track open")
    return config.replace(test_samples=TEST_SAMPLES, device=TRACKS[track].device or config.device)


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
    require_one_machine(results)
    return SpeedRecord(
        target=target,
        track=track,
        runs=tuple(
            TimedRun(seed, result.score.exact, float(result.cost["train_seconds"]))
            for seed, result in enumerate(results)
        ),
        images=config.train_samples,
        epochs=config.epochs,
        flops=training_flops(recipes[0]),
        config={k: v for k, v in recipes[0].config.model_dump().items() if k != "seed"},
        host=results[0].provenance["host"],
        versions=results[0].provenance["versions"],
    )


def require_one_machine(results: list[Result]) -> None:
    """Check that all trainings ran on one machine with the same versions.

    Raises:
        UsageError: two of them differ; the message names the run folder.
    """
    first = results[0].provenance
    for result in results[1:]:
        for fact in ("host", "versions"):
            if result.provenance[fact] != first[fact]:
                what = "on another machine" if fact == "host" else "with other versions"
                raise UsageError(
                    f"{result.folder}: trained {what} than {results[0].folder}; give a new folder by --out"
                )


def training_flops(recipe: Recipe) -> int:
    """Return the FLOPs of a training: three forward passes an image; a multiply-add counts as two."""
    config = recipe.config
    steps = config.epochs * math.ceil(config.train_samples / config.batch_size)
    images = config.epochs * config.train_samples
    if config.max_steps and config.max_steps < steps:
        images = config.max_steps * config.batch_size
    return 3 * images * spec_sheet(recipe).flops


def choose_track(config: RunConfig) -> str:
    """Return the track that this machine belongs to, ``open`` where it belongs to no other."""
    device = choose_compute(config).device.type
    fitting = (name for name, track in TRACKS.items() if track.device == device and not track.unfit())
    return next(fitting, "open")
