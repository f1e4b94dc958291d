"""train(): trains the recogniser of a run and leaves its best weights in the run folder."""

from __future__ import annotations

import resource
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ctcbench.data.built_dataset import fit_of
from ctcbench.pipeline.run_context import RunContext
from ctcbench.pipeline.too_long_texts import keep_readable, report_unreadable_tests
from ctcbench.results import provenance

if TYPE_CHECKING:
    from ctcbench.training.device import Compute


def train(context: RunContext) -> None:
    """Train the recogniser of a run; resume from its checkpoint if it has one.

    Raises:
        UsageError: a setting can't work on this machine or with this data.
        Interrupted: the user stopped the training; its state is saved.
        CtcbenchError: the loss became NaN, or the checkpoint is damaged.
    """
    # torch is imported here, because a run that is already trained must not wait for it.
    import torch

    from ctcbench.training import device, image_arrival, loop, recorder, split, step
    from ctcbench.training.recognizer.initial_weights import load_initial_weights
    from ctcbench.training.recognizer.network import build_recognizer
    from ctcbench.training.training_summary import summarise_training

    recipe, config, source, group = context.recipe, context.config, context.source, context.group
    registry, samples, drawing = recipe.registry, context.training_samples, context.drawing
    compute = device.choose_compute(config, group.process_rank)
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
    compute.forget_peak_memory()
    with device.torch_settings(config, compute):
        # The seed of the initial weights; `train_step` seeds every step by itself.
        torch.manual_seed(config.seed)
        model = build_recognizer(recipe, source.image, source.alphabet)
        if config.init_from and (change := load_initial_weights(model, Path(config.init_from))):
            context.runtime.listener.notice(change)
        if config.freeze == "backbone":
            model.freeze_backbone()
        # The test images as well: a text that is too long should not be found after hours of training.
        report_unreadable_tests(context, model)
        kept = keep_readable(context, model)
        if source.image.variable and model.unmasked:
            parts = " and ".join(map(recipe.describe_owner, model.unmasked))
            context.runtime.listener.notice(
                f"{parts} does not mask padding (takes_widths), so each batch has images of one width only"
            )
        train_split, val_split = (
            split.make_split(
                samples[name], source.alphabet, compute.device, kept_N, drawn=bool(samples[name].fingerprint)
            )
            for name, kept_N in kept.items()
        )
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
            config, context.runtime, record, train_split, val_split, state, samples, arrival
        )
        trainer.restore()
        record.start()
        trainer.fit()
    context.finish_drawing()
    # Written last, because the summary marks the training as finished.
    record.finish(
        {
            **summarise_training(trainer),
            "finished": provenance.now(),
            "peak_memory_mib": _peak_memory_mib(compute),
            "host": provenance.host(compute.name()),
            "versions": provenance.versions(),
            "plugins": dict(registry.versions()),
            "data": {
                **{name: found.fingerprint for name, found in context.training_samples.items()},
                "images": {name: len(kept_N) for name, kept_N in kept.items()},
                "left_out": {
                    name: context.samples[name].left_out + len(context.samples[name]) - len(kept_N)
                    for name, kept_N in kept.items()
                },
            },
        }
    )


def _peak_memory_mib(compute: Compute) -> float:
    """Return the peak memory of training in MiB: the GPU's, or this process's since it started."""
    on_gpu = compute.peak_memory_mib()
    if on_gpu is not None:
        return on_gpu
    unit = 1 if sys.platform == "darwin" else 1024  # ru_maxrss is in bytes there, in KiB elsewhere
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20
