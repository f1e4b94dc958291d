"""RunContext: the state that the stages of a run share; open_run() creates it and releases the folder."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, cast

from ctcbench.config.recipe import Recipe
from ctcbench.config.run_config import RunConfig
from ctcbench.contract.data import SPLITS, Samples, Source, SplitName
from ctcbench.contract.errors import UsageError
from ctcbench.contract.hooks import RunInfo
from ctcbench.data.background_drawing import BackgroundDrawing, start_drawing
from ctcbench.data.built_dataset import BuiltDataset, fit_of
from ctcbench.data.lacking_labels import find_lacking_labels
from ctcbench.data.materialise import materialise
from ctcbench.data.run_dataset import build_run_dataset, require_splits
from ctcbench.pipeline.budget_stage import fit_to_budget
from ctcbench.pipeline.built_decoder import build_decoder
from ctcbench.pipeline.chosen_device import choose_device
from ctcbench.pipeline.folder_claim import claim_folder, needs_training, require_one_of_resume_and_fresh
from ctcbench.results.decoder_files import write_decoder_files
from ctcbench.results.recognizer_description import RecognizerDescription
from ctcbench.results.run_folder import RunFolder
from ctcbench.training.distributed.process_group import SINGLE_PROCESS_GROUP, ProcessGroup
from ctcbench.training.distributed.process_rank import read_process_rank
from ctcbench.training.progress_events import ProgressListener
from ctcbench.training.runtime import Runtime

if TYPE_CHECKING:
    from ctcbench.training.device import Compute

T = TypeVar("T")


@dataclass(frozen=True)
class RunContext:
    """State that the stages of a run share.

    Attributes:
        recipe: settings and components.
        runtime: output folder and progress; only the listener of the main process reports anything.
        folder: the run folder, which the main process has claimed.
        group: the processes that train together.
        dataset: the data set.
        samples: images and texts by split; while `drawing` draws the training images, they have no
            fingerprint.
        drawing: draws the training images while the training runs; None: they were drawn before.
    """

    recipe: Recipe
    runtime: Runtime
    folder: RunFolder
    group: ProcessGroup
    dataset: BuiltDataset
    samples: dict[SplitName, Samples]
    drawing: BackgroundDrawing | None = None

    @property
    def config(self) -> RunConfig:
        """The settings of the run."""
        return self.recipe.config

    @property
    def source(self) -> Source:
        """The source of the data set."""
        return self.dataset.source

    @property
    def description(self) -> RecognizerDescription:
        """The recogniser that is trained on the data set."""
        return RecognizerDescription(self.source.image, self.source.alphabet, fit_of(self.source))

    @property
    def training_samples(self) -> dict[SplitName, Samples]:
        """The images that the weights depend on, by split."""
        return {name: samples for name, samples in self.samples.items() if name != "test"}

    def finish_drawing(self) -> None:
        """Wait until all images are drawn; `samples` then has the fingerprints of all splits.

        Raises:
            UsageError, PluginError, CtcbenchError: as `materialise`.
        """
        if self.drawing is not None:
            self.samples["train"] = self.drawing.finish(
                functools.partial(self.runtime.listener.images_drawn, "train")
            )

    def on_main_process(self, function: Callable[[], T]) -> T:
        """Call `function` in the main process only, and return its result in every process.

        The result must be a value that JSON can represent, because it is broadcast as JSON.
        """
        # A process that skips the call has nothing to send, and receives the main process's result.
        return self.group.broadcast(function() if self.group.is_main else cast("T", None))

    def info(self, steps: int = 0) -> RunInfo:
        """Return the run as trackers receive it; `steps` is 0 where training is done already."""
        config = self.config
        return RunInfo(self.folder.path, self.folder.path.name, config.model_dump(), config.epochs, steps)


@contextlib.contextmanager
def open_run(recipe: Recipe, runtime: Runtime) -> Iterator[RunContext]:
    """Join the process group, claim the run folder, draw the images of all splits, and yield the context.

    With a budget, the numbers of images and epochs are chosen first.

    Raises:
        UsageError: the folder can't be claimed, the device does not exist, an image can't be used, or
            the batch has fewer images than there are processes, or the weights of ``--init-from`` do not fit.
        PluginError: the data set or a part of the network breaks its contract.
    """
    require_one_of_resume_and_fresh(runtime)
    # Built before the processes join: a wrong option then ends each of them, and none waits for another.
    dataset = require_splits(build_run_dataset(recipe.registry, recipe.config))
    # Built again after the training: here, a pattern or a list of words that it refuses is an error at once.
    build_decoder(recipe.registry, recipe.config.decoder, dataset.source.alphabet)
    with join_process_group(recipe.config) as group, contextlib.ExitStack() as stack:
        folder = RunFolder(runtime.out / recipe.train_key)
        # A budget times the network before anything is drawn, and may choose another folder.
        if recipe.config.init_from if runtime.budget else needs_training(folder, runtime):
            _check_network(recipe, dataset.source)
        if runtime.budget:
            if runtime.graph:  # a CPU has none, which is an error before steps are timed
                choose_device(recipe.config, runtime, group)
            recipe = fit_to_budget(recipe, runtime, dataset, group)
            folder = RunFolder(runtime.out / recipe.train_key)
        # All checks come before the claim: with `fresh` it deletes the earlier run. Drawing takes minutes.
        compute = None
        if needs_training(folder, runtime):
            dataset.require_both(recipe.config.train_samples)
            compute = choose_device(recipe.config, runtime, group)
        if group.is_main:
            stack.enter_context(claim_folder(folder, recipe.config, runtime))
            write_decoder_files(recipe.registry, folder, recipe.config.decoder)
            if compute is not None:
                runtime.listener.run_started(folder.path, compute.describe())
            for notice in (*dataset.notices, *dataset.describe_mixture(recipe.config.train_samples)):
                runtime.listener.notice(notice)
        else:
            runtime = replace(runtime, listener=ProgressListener())

        drawing = None
        if compute and group.world_size == 1 and _overlaps(compute, recipe.config, folder, runtime):
            drawing = _start_drawing(dataset, recipe.config, runtime)
        samples: dict[SplitName, Samples] = {}
        if drawing is not None:
            stack.enter_context(contextlib.closing(drawing))
            samples["train"] = drawing.samples
        # The test images are drawn too, so that one that can't be used is an error before training.
        rest = [split for split in SPLITS if split not in samples]
        samples |= group.main_process_first(
            lambda: {split: draw(dataset, recipe.config, runtime, split) for split in rest}
        )
        if lacking := find_lacking_labels(samples, dataset.source.alphabet):
            runtime.listener.notice(lacking.describe(recipe.config.dataset))
        yield RunContext(recipe, runtime, folder, group, dataset, samples, drawing)


def _overlaps(compute: Compute, config: RunConfig, folder: RunFolder, runtime: Runtime) -> bool:
    """Return whether the training images may be drawn while the training runs."""
    # A resumed training does not begin with the order in which they would be drawn, and compares them with
    # those that it started on.
    if folder.has(folder.checkpoint_path):
        return False
    # The weights of the images depend on all texts, so the first batches are known when all are drawn.
    if config.balance:
        return False
    # Not on a CPU: its cores would train and draw in turns, and the times of steps would not be comparable.
    return compute.device.type == "cuda" if runtime.overlap is None else runtime.overlap


def _start_drawing(dataset: BuiltDataset, config: RunConfig, runtime: Runtime) -> BackgroundDrawing | None:
    return start_drawing(
        dataset,
        "train",
        config.train_samples,
        seed=config.seed,
        workers=runtime.workers,
        notice=runtime.listener.notice,
    )


def _check_network(recipe: Recipe, source: Source) -> None:
    """Check before images are drawn that the network can be built, and that weights of ``--init-from`` fit.

    Raises:
        UsageError: it can't be built, or there are no such weights.
        CtcbenchError: a plugin breaks its contract, or a file of that run is damaged.
    """
    import torch

    from ctcbench.training.recognizer.initial_weights import load_initial_weights
    from ctcbench.training.recognizer.network import build_recognizer

    # The network of the training is built after the seed is set.
    with torch.random.fork_rng(devices=[]):
        model = build_recognizer(recipe, source.image, source.alphabet)
    if recipe.config.init_from:
        load_initial_weights(model, Path(recipe.config.init_from))


def join_process_group(config: RunConfig) -> contextlib.AbstractContextManager[ProcessGroup]:
    """Return the context of the processes that torchrun started, or of this one alone.

    Raises:
        UsageError: the batch has fewer images than there are processes, or a device does not exist.
    """
    rank = read_process_rank()
    if rank.size == 1:
        return contextlib.nullcontext(SINGLE_PROCESS_GROUP)
    if config.batch_size < rank.size:
        raise UsageError(
            f"--batch-size {config.batch_size}: less than an image for each of {rank.size} processes "
            f"(it is the batch of all together); use a larger one, or fewer processes"
        )
    # Imported here, because it imports torch, which a single process may not need.
    from ctcbench.training.distributed import torch_process_group

    return torch_process_group.join_process_group(rank, config)


def draw(dataset: BuiltDataset, config: RunConfig, runtime: Runtime, split: SplitName) -> Samples:
    """Return a split's samples from the cache; draw them first if they are not there.

    Raises:
        UsageError, PluginError, CtcbenchError: as `materialise`.
    """
    # Of the other splits fewer are no loss for the recogniser; the report has their numbers.
    if split == "train" and (size := dataset.size(split) or 0) > (wanted := config.train_samples):
        runtime.listener.notice(f"train: {wanted:,} of {size:,} samples are used (train_samples={wanted})")
    return materialise(
        dataset,
        split,
        getattr(config, f"{split}_samples"),
        skip_bad=config.skip_bad,
        workers=runtime.workers,
        progress=lambda done, total: runtime.listener.images_drawn(split, done, total),
        notice=runtime.listener.notice,
    )
