"""measure_rates(): the times of a training step and of drawing an image, measured before a run."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from ctcbench.config.recipe import Recipe
from ctcbench.contract.data import Samples
from ctcbench.contract.errors import CtcbenchError, UsageError
from ctcbench.contract.ragged_images import RaggedImages
from ctcbench.contract.word_lists import counted
from ctcbench.data.built_dataset import BuiltDataset
from ctcbench.data.drawing import draw_sample
from ctcbench.data.drawn_columns import DrawnSample
from ctcbench.training import device, split, step
from ctcbench.training.cuda.step_graph import StepGraph
from ctcbench.training.distributed.process_group import ProcessGroup
from ctcbench.training.failed_steps import explain_step_error
from ctcbench.training.recognizer.network import build_recognizer
from ctcbench.training.run_length import MeasuredRates

_MOST_IMAGES = 64  # that are drawn for the measurement; a larger batch repeats them
_MOST_ATTEMPTS = 4 * _MOST_IMAGES  # some samples of a folder can't be used
_DRAWING_SECONDS = 1.0
_WARM_UP_SECONDS, _FEWEST_WARM_UP_STEPS = 0.5, 2
# Share of the budget that the measurement takes, within bounds in seconds.
_SHARE, _SHORTEST, _LONGEST = 0.05, 0.3, 4.0
_FEWEST_STEPS = 3
_SCHEDULE_STEPS = 10_000
_WIDTH_BATCHES = 24  # batches of images of different widths: some for each bucket
_GOLDEN_RATIO = 0.6180339887498949

Clock = Callable[[], float]


def measure_rates(
    recipe: Recipe,
    dataset: BuiltDataset,
    budget_seconds: float,
    *,
    images: int,
    workers: int,
    group: ProcessGroup,
    graph: bool | None = None,
    clock: Clock = time.perf_counter,
    cpu_clock: Clock = time.thread_time,
) -> MeasuredRates:
    """Time a few training steps with a run's own recipe, on its device, and the drawing of a few images.

    Nothing of it affects a training that follows in this process: the states of torch's random generators
    are restored, and no file is written. All processes of a training call it together.

    Args:
        recipe: the settings; `batch_size` is the batch of all processes together.
        dataset: the data set of the recipe.
        budget_seconds: the time that the training will have; the measurement takes a twentieth of it, at
            most some seconds.
        images: number of images of an epoch, if it is smaller than a batch.
        workers: number of processes that will draw images.
        group: the processes that train together.
        graph: as `Runtime.graph`: whether the training captures its step as a CUDA graph.
        clock: returns the time in seconds.
        cpu_clock: returns the CPU time of this thread in seconds.

    Raises:
        UsageError: a setting can't work on this machine or with this data.
        PluginError: a component breaks its contract.
        CtcbenchError: memory ran out, or the backward pass of a part of a plugin failed.
    """
    source = dataset.source
    step_images = min(recipe.config.batch_size, images)
    if source.image.variable:
        # Batches are those of buckets, whose sizes follow from this setting.
        recipe = recipe.replace(batch_size=step_images)
    config = recipe.config
    compute = device.choose_compute(config, group.process_rank)
    with device.torch_settings(config, compute):
        drawn = _draw_some(dataset, step_images, clock)
        torch.manual_seed(config.seed)
        model = build_recognizer(recipe, source.image, source.alphabet)
        # Of images of different widths there are several batches for each bucket.
        rows = step_images * (_WIDTH_BATCHES if source.image.variable else 1)
        rows_N = np.arange(rows) % len(drawn.samples)
        part = split.make_split(
            drawn.samples, source.alphabet, compute.device, rows_N if source.image.variable else None
        ).with_buckets(step_images, exact=bool(model.unmasked))
        state = step.new_state(recipe, model, compute, _SCHEDULE_STEPS, group)
        state.model.train()
        own_N, weight = group.shard(np.arange(step_images) % len(part))
        steps = _Steps(state, part, own_N, weight, recipe, clock, step_images)
        if compute.device.type == "cuda" and graph is not False:
            # A split of one batch, so that a graph covers every step. The training itself prints notices.
            covered = part
            if not source.image.variable:
                covered = split.make_split(drawn.samples, source.alphabet, compute.device, rows_N)
            steps.graph = StepGraph(state, covered, config, lambda notice: None)
        steps.run_for(_WARM_UP_SECONDS, _FEWEST_WARM_UP_STEPS)
        started, cpu_started = clock(), cpu_clock()
        # Of images of different widths, the last batch of each bucket is smaller than the others.
        seconds = step_images * steps.run_for(
            min(max(_SHARE * budget_seconds, _SHORTEST), _LONGEST), _FEWEST_STEPS
        )
        running = (cpu_clock() - cpu_started) / (clock() - started)
        threads = torch.get_num_threads()
    described = f"{compute.describe()}, {counted(threads, 'thread')}{group.describe_suffix()}"
    del state, steps, model, part
    gc.collect()
    if compute.device.type == "cuda":
        torch.cuda.empty_cache()
    # On a CPU this thread computes all the time, unless others take its core. It waits for a GPU, and for the
    # other processes of a training.
    computes = compute.device.type == "cpu" and group.world_size == 1
    return MeasuredRates(
        seconds, step_images, drawn.seconds / workers, described, running if computes else None
    )


@dataclass
class _Steps:
    """Training steps at places that are spread evenly over the whole schedule.

    They are on one batch, or on those of all widths.
    """

    # Steps differ in cost along the schedule: augmentation ends before the last step, and a blank penalty can
    # fall to zero. Multiples of the golden ratio (Weyl's sequence) are spread evenly at any number of steps.
    state: step.TrainState
    part: split.Split
    own_N: np.ndarray
    weight: float
    recipe: Recipe
    clock: Clock
    step_images: int
    graph: StepGraph | None = None
    done: int = 0
    capture_seconds: float = 0.0

    def run_for(self, seconds: float, fewest: int) -> float:
        """Run at least `fewest` steps, and until `seconds` are over; return the mean time of an image."""
        started, count, captured, images = self._now(), 0, self.capture_seconds, 0
        while True:
            images += self._run_step()
            count += 1
            # A GPU computes several steps before it is waited for, as in a training.
            if count < fewest or (count & (count - 1) and self.state.compute.device.type == "cuda"):
                continue
            elapsed = self._now() - started - (self.capture_seconds - captured)
            # The main process decides for all, because each step needs all of them.
            if self.state.group.broadcast(elapsed >= seconds):
                return elapsed / images

    def _run_step(self) -> int:
        """Run a step, and return the number of its images in all processes.

        Raises:
            CtcbenchError: memory ran out, or the backward pass of a part of a plugin failed.
        """
        try:
            return self._run_next()
        except Exception as error:
            self.state.step = self.done - 1  # the place in the schedule is no number of a step
            if (message := explain_step_error(error, self.state, 1)) is None:
                raise
            raise CtcbenchError(message) from error

    def _run_next(self) -> int:
        self.done += 1
        self.state.step = int(self.done * _GOLDEN_RATIO % 1 * _SCHEDULE_STEPS)
        config = self.recipe.config
        number, images = self.state.step, self.step_images
        if self.part.buckets is not None:
            plan, within = split.plan_at(self.part, number, config)
            images = len(plan.batch(within))
        if self.graph is not None:
            self.capture_seconds += self.graph.prepare(self._now)
            if self.graph.step() is not None:
                return images
        if self.part.buckets is not None:
            batch = split.batch_at(self.part, number, config, self.state.group)
        else:
            batch = self.part.batch(self.own_N)._replace(weight=self.weight)
        step.train_step(self.state, batch, config)
        return images

    def _now(self) -> float:
        if self.state.compute.device.type == "cuda":
            torch.cuda.synchronize()
        return self.clock()


@dataclass(frozen=True)
class _Drawn:
    """Some samples of a data set, and the mean time to draw one in this process."""

    samples: Samples
    seconds: float


def _draw_some(dataset: BuiltDataset, wanted: int, clock: Clock) -> _Drawn:
    """Draw some training samples in this process.

    Raises:
        UsageError: none of the first samples can be used.
    """
    attempts = min(_MOST_ATTEMPTS, dataset.size("train") or _MOST_ATTEMPTS)
    rows: list[tuple[DrawnSample, bytes]] = []
    count, started = 0, clock()
    for index in range(attempts):
        sample, pixels = draw_sample(dataset, "train", index)
        # The first one loads fonts and modules.
        if index == 0:
            started = clock()
        else:
            count += 1
        if isinstance(sample, DrawnSample):
            rows.append((sample, pixels))
        enough = len(rows) >= min(wanted, _MOST_IMAGES) and count >= 8
        if rows and (enough or clock() - started > _DRAWING_SECONDS):
            break
    if not rows:
        raise UsageError(f"dataset {dataset.text}: none of its first {attempts} 'train' samples can be used")
    return _Drawn(
        _samples([row for row, _ in rows], [pixels for _, pixels in rows], dataset),
        (clock() - started) / max(1, count),
    )


def _samples(rows: Sequence[DrawnSample], pixels: Sequence[bytes], dataset: BuiltDataset) -> Samples:
    image = dataset.source.image
    widths_N = np.array([row.width for row in rows], dtype=np.int32)
    # Copied, because torch refuses arrays that can't be written.
    levels = np.frombuffer(b"".join(pixels), np.uint8).copy()
    shape = (len(rows), image.channels, image.height, image.width)
    return Samples(
        RaggedImages(levels, widths_N, *shape[1:3]) if image.variable else levels.reshape(shape),
        widths_N,
        tuple(row.text for row in rows),
        tuple(row.name for row in rows),
        fingerprint="",
    )
