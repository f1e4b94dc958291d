"""train(): trains the recogniser of a run and leaves its best weights in the run folder."""

from __future__ import annotations

import functools
import resource
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ctcbench.config.train_key import train_key
from ctcbench.contract.data import SplitName
from ctcbench.contract.errors import UsageError
from ctcbench.contract.word_lists import join_words
from ctcbench.data.built_dataset import fit_of
from ctcbench.pipeline.run_context import RunContext
from ctcbench.pipeline.sample_origins import count_by_dataset, without_repeats
from ctcbench.pipeline.too_long_texts import keep_readable, report_unreadable_tests
from ctcbench.results import provenance
from ctcbench.results.recognizer_description import write_description

if TYPE_CHECKING:
    from ctcbench.training.device import Compute
    from ctcbench.training.loop import Trainer
    from ctcbench.training.recognizer.network import Recognizer
    from ctcbench.training.shared_parts import SharedParts


def train(context: RunContext) -> None:
    """Train the recogniser of a run; resume from its checkpoint if it has one.

    Raises:
        UsageError: a setting can't work on this machine or with this data.
        Interrupted: the user stopped the training; its state is saved.
        CtcbenchError: the loss became NaN, or the checkpoint is damaged.
    """
    # torch is imported here, because a run that is already trained must not wait for it.
    from ctcbench.training import device
    from ctcbench.training.shared_parts import SharedParts

    compute = device.choose_compute(context.config, context.group.process_rank)
    compute.forget_peak_memory()
    with device.torch_settings(context.config, compute):
        training = prepare_training(context, compute, SharedParts())
        training.trainer.fit()
    training.finish()


@dataclass(frozen=True)
class Training:
    """A training that is ready for its next step.

    Attributes:
        kept: indices of the images that are used, by split.
    """

    context: RunContext
    compute: Compute
    trainer: Trainer
    kept: Mapping[SplitName, NDArray[np.int64]]

    def finish(self) -> None:
        """Wait for the last images, and write the summary, which marks the training as finished."""
        from ctcbench.training.training_summary import summarise_training

        context, trainer = self.context, self.trainer
        context.finish_drawing()
        if trainer.state.step < trainer.state.steps:
            context.runtime.listener.notice(trainer.history.explain_early_stop(trainer.config.epochs))
        trainer.recorder.finish(
            {
                **summarise_training(trainer),
                "finished": provenance.now(),
                "peak_memory_mib": _peak_memory_mib(self.compute),
                "host": provenance.host(self.compute.name()),
                "versions": provenance.versions(),
                "plugins": dict(context.recipe.registry.versions()),
                "data": self._describe_data(),
            }
        )

    def _describe_data(self) -> dict[str, Any]:
        """Return which images were used and how many, for the provenance of results."""
        context = self.context
        left_out = {}
        for name, kept_N in self.kept.items():
            samples = context.samples[name]
            dropped_N = np.delete(np.arange(len(samples)), kept_N)
            left_out[name] = samples.left_out + len(without_repeats(context, name, dropped_N))
        found: dict[str, Any] = {
            **{name: samples.fingerprint for name, samples in context.training_samples.items()},
            "images": {name: len(kept_N) for name, kept_N in self.kept.items()},
            "left_out": left_out,
        }
        if context.config.extra_dataset:
            found["training_sets"] = count_by_dataset(context, self.kept["train"])
        return found


def prepare_training(context: RunContext, compute: Compute, shared: SharedParts) -> Training:
    """Build the recogniser of a run and everything that trains it, at its checkpoint if it has one.

    `device.torch_settings` are those of the run.

    Raises:
        UsageError: a setting can't work on this machine or with this data.
        CtcbenchError: the checkpoint is damaged.
    """
    import torch

    from ctcbench.training import image_arrival, loop, recorder, split, step
    from ctcbench.training.recognizer.initial_weights import load_initial_weights
    from ctcbench.training.recognizer.network import build_recognizer

    recipe, config, source, group = context.recipe, context.config, context.source, context.group
    registry, samples, drawing = recipe.registry, context.training_samples, context.drawing
    # Processes that differ in any of these would train different models without an error.
    group.require_same(
        {
            "settings": context.folder.path.name,
            "versions": provenance.versions(),
            "plugins": dict(registry.versions()),
            "images": {name: found.fingerprint for name, found in samples.items()},
            "precision": compute.describe(),
        }
    )
    # The seed of the initial weights; `train_step` seeds every step by itself.
    torch.manual_seed(config.seed)
    model = build_recognizer(recipe, source.image, source.alphabet)
    if config.init_from:
        change = load_initial_weights(model, Path(config.init_from))
        # The folder is named by the weights, and drawing the images took its time since.
        if train_key(registry, config) != recipe.train_key:
            raise UsageError(
                f"--init-from {config.init_from}: its weights changed since this run was started; wait until "
                f"that run is finished, and start again"
            )
        if change:
            context.runtime.listener.notice(change)
    images = tuple(found.fingerprint for found in context.samples.values())
    kept = shared.once(("kept", images), lambda: _check_texts(context, model))
    if source.image.variable and model.unmasked:
        parts = join_words(map(recipe.describe_owner, model.unmasked))
        context.runtime.listener.notice(
            f"{parts} does not mask padding (takes_widths), so each batch has images of one width only"
        )
    train_split, val_split = (
        shared.split(
            (name, samples[name].fingerprint, kept_N.tobytes()),
            functools.partial(
                split.make_split,
                samples[name],
                source.alphabet,
                compute.device,
                kept_N,
                drawn=bool(samples[name].fingerprint),
                scored=name == "val",
            ),
        )
        for name, kept_N in kept.items()
    )
    train_split = train_split.with_balance(config.balance)
    train_split = train_split.with_buckets(config.batch_size, exact=bool(model.unmasked))
    arrival = (
        image_arrival.ImageArrival(drawing, train_split, kept["train"], config.batch_size)
        if drawing
        else None
    )
    steps = split.steps_per_epoch(train_split, config) * config.epochs
    steps = min(steps, config.max_steps or steps)
    state = step.new_state(recipe, model, compute, steps, group)
    record = (recorder.TrainingRecorder if group.is_main else recorder.NullRecorder)(
        registry, context.folder, context.info(steps), fit_of(source),
        context.runtime.listener.notice,
    )  # fmt: skip
    trainer = loop.Trainer(
        config, context.runtime, record, train_split, val_split, state, samples, arrival, shared
    )
    if group.is_main:
        # Before the state of the run is used: weights of other classes can have the same shape.
        write_description(context.folder, context.description)
    trainer.restore()
    record.start()
    return Training(context, compute, trainer, kept)


def _check_texts(context: RunContext, model: Recognizer) -> Mapping[SplitName, NDArray[np.int64]]:
    """Return the indices of the images that the recogniser can learn from.

    Raises:
        UsageError: texts are too long for their frames, or no validation text has a loss.
    """
    # The test images as well: a text that is too long should not be found after hours of training.
    report_unreadable_tests(context, model)
    kept = keep_readable(context, model)
    texts, alphabet = context.samples["val"].texts, context.source.alphabet
    if all(alphabet.missing(texts[row]) for row in kept["val"].tolist()):
        raise UsageError(
            f"dataset {context.config.dataset}: each sample of 'val' has characters that the alphabet lacks, "
            f"so that the validation has no loss; choose other validation pictures, or a wider alphabet"
        )
    return kept


def _peak_memory_mib(compute: Compute) -> float:
    """Return the peak memory of training in MiB: the GPU's, or this process's since it started."""
    on_gpu = compute.peak_memory_mib()
    if on_gpu is not None:
        return on_gpu
    unit = 1 if sys.platform == "darwin" else 1024  # ru_maxrss is in bytes there, in KiB elsewhere
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20
