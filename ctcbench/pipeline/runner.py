"""run(): the whole way from a configuration to its result, on one screen."""

from __future__ import annotations

import contextlib
import resource
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ctcbench.config.run_config import RunConfig
from ctcbench.config.train_key import resolve, train_key
from ctcbench.contract.data import SPLITS, Samples, Source, SplitName
from ctcbench.contract.errors import CtcbenchError, UsageError
from ctcbench.contract.hooks import RunInfo
from ctcbench.data.built_dataset import BuiltDataset, build_dataset
from ctcbench.data.materialise import materialise
from ctcbench.evaluation.log_probs import load_log_probs, save_log_probs
from ctcbench.pipeline.claim import claim
from ctcbench.pipeline.decode_stored import decode_run, result_key
from ctcbench.registry.component_registry import Registry
from ctcbench.results import provenance
from ctcbench.results.result import Result
from ctcbench.results.run_folder import RunFolder
from ctcbench.training.distributed.process_group import SINGLE_PROCESS_GROUP, ProcessGroup
from ctcbench.training.distributed.process_rank import read_process_rank
from ctcbench.training.progress_events import ProgressListener
from ctcbench.training.runtime import Runtime

if TYPE_CHECKING:
    from ctcbench.training.device import Compute

Drawn = dict[SplitName, Samples]


def run(registry: Registry, config: RunConfig, runtime: Runtime | None = None) -> Result:
    """Draw, train, read, decode, score and store; what is there already is not done again.

    Raises:
        UsageError: a setting can't work on this machine or with this data.
        Interrupted: the user stopped it; the state is saved.
        CtcbenchError: the loss became NaN, or a file of the run is damaged.
    """
    runtime = runtime or Runtime()
    config = resolve(registry, config)
    folder = RunFolder(runtime.out / train_key(registry, config))
    dataset = build_dataset(registry, config.dataset)
    source = dataset.source
    with join(config) as group, contextlib.ExitStack() as stack:
        if group.is_main:
            stack.enter_context(claim(folder, config, runtime))
        else:
            runtime = replace(runtime, listener=ProgressListener())
        # The test images too: a text among them that can't be read should be known before training.
        drawn = group.main_process_first(
            lambda: {split: draw(dataset, config, runtime, split) for split in SPLITS}
        )
        if not group.broadcast(folder.is_finished):
            train(registry, config, runtime, folder, source, drawn, group)
        elif group.is_main:
            folder.require_same_images(folder.read_summary().get("data", {}), _trained_on(drawn))
            runtime.listener.notice(f"{folder.path}: trained already; --fresh trains it again")
        if group.is_main:
            read(registry, config, runtime, folder, source, drawn, group)
            result = decode_run(registry, folder, config.decoder, config=config)
            group.broadcast(result.to_json())
        else:
            path = folder.result_path(result_key(config))
            result = Result.from_json(group.broadcast(None), path)
    if group.is_main:
        info, tell = run_info(folder, config), runtime.listener.notice
        registry.call_hooks("ctcbench_run_finished", tell, run=info, result=result.to_json())
    return result


def join(config: RunConfig) -> contextlib.AbstractContextManager[ProcessGroup]:
    """Return the context of the processes that torchrun started, or of this one alone.

    Raises:
        UsageError: an image a process is more than a batch has, or a device is not there.
    """
    here = read_process_rank()
    if here.size == 1:
        return contextlib.nullcontext(SINGLE_PROCESS_GROUP)
    if config.batch_size < here.size:
        raise UsageError(
            f"--batch-size {config.batch_size}: less than an image for each of {here.size} processes "
            f"(it is the batch of all together); use a larger one, or fewer processes"
        )
    from ctcbench.training.distributed.torch_process_group import join_process_group

    return join_process_group(here, config)


def train(
    registry: Registry,
    config: RunConfig,
    runtime: Runtime,
    folder: RunFolder,
    source: Source,
    drawn: Drawn,
    group: ProcessGroup,
) -> None:
    """Train the recogniser that `config` names, and leave its best weights in `folder`."""
    import torch

    from ctcbench.training import device, loop, recorder, split, step
    from ctcbench.training.objective import build_objective
    from ctcbench.training.recognizer import weights
    from ctcbench.training.recognizer.network import build_recognizer
    from ctcbench.training.training_summary import summarise_training

    compute = device.choose(config, group.process_rank)
    group.require_same(
        {
            "settings": folder.path.name,
            "versions": provenance.versions(),
            "plugins": dict(registry.versions()),
            "images": _trained_on(drawn),
            "precision": compute.describe(),
        }
    )
    compute.forget_peak_memory()
    with device.repeatable(config, compute):
        torch.manual_seed(config.seed)
        model = build_recognizer(registry, config, source.image, source.alphabet)
        if config.init_from:
            weights.load_initial_weights(model, Path(config.init_from))
        for samples in drawn.values():
            split.require_enough_frames(samples, model, config)
        train_split = split.make_split(drawn["train"], source.alphabet, compute.device)
        val_split = split.make_split(drawn["val"], source.alphabet, compute.device)
        steps = split.steps_per_epoch(train_split, config) * config.epochs
        steps = min(steps, config.max_steps or steps)
        augment = registry.build("augmentation", config.augmentation, source.image)
        objective = build_objective(registry, config.loss, source.alphabet, model.output.frames)
        state = step.new_state(model, augment, objective, config, compute, steps, group)
        book = (recorder.TrainingRecorder if group.is_main else recorder.NullRecorder)(
            registry, folder, run_info(folder, config, steps), getattr(source, "fit", "stretch"),
            runtime.listener.notice,
        )  # fmt: skip
        trainer = loop.Trainer(config, runtime, book, train_split, val_split, state, _trained_on(drawn))
        trainer.restore()
        book.start()
        trainer.fit()
    book.finish(
        {
            **summarise_training(trainer),
            "finished": provenance.now(),
            "peak_memory_mib": _peak_memory_mib(compute),
            "host": provenance.host(compute.name()),
            "versions": provenance.versions(),
            "plugins": dict(registry.versions()),
            "data": trainer.data,
        }
    )


def read(
    registry: Registry,
    config: RunConfig,
    runtime: Runtime,
    folder: RunFolder,
    source: Source,
    drawn: Drawn,
    group: ProcessGroup,
) -> None:
    """Leave the log-probs of the validation and test images in `folder`, read with the best weights.

    Those that are there already, and of the same images, stay.
    """
    splits = [split for split in drawn if split != "train" and not is_read(folder, split, drawn[split])]
    if not splits:
        return
    from ctcbench.training import device, inference, split
    from ctcbench.training.recognizer import weights

    compute = device.choose(config, group.process_rank)
    model = weights.load_recognizer(registry, folder).to(compute.device)
    batch_size = inference.evaluation_batch_size(config)
    with device.repeatable(config, compute):
        for name in splits:
            split.require_enough_frames(drawn[name], model, config)
            part = split.make_split(drawn[name], source.alphabet, compute.device)
            log_probs = inference.compute_log_probs(model, part, compute, name, runtime.listener, batch_size)
            save_log_probs(folder.log_probs_path(name), log_probs)


def is_read(folder: RunFolder, split: SplitName, samples: Samples) -> bool:
    """Say whether the log-probs of a split are there, and of these images."""
    path = folder.log_probs_path(split)
    with contextlib.suppress(CtcbenchError):  # a damaged file is made again
        return path.exists() and load_log_probs(path).fingerprint == samples.fingerprint
    return False


def _trained_on(drawn: Drawn) -> dict[str, str]:
    """Return the fingerprints of the images that the weights depend on."""
    return {split: drawn[split].fingerprint for split in ("train", "val")}


def draw(dataset: BuiltDataset, config: RunConfig, runtime: Runtime, split: SplitName) -> Samples:
    """Return a split's samples from the cache, drawn now if need be."""
    return materialise(
        dataset,
        split,
        getattr(config, f"{split}_samples"),
        skip_bad=config.skip_bad,
        workers=runtime.workers,
        progress=lambda done, total: runtime.listener.images_drawn(split, done, total),
        notice=runtime.listener.notice,
    )


def run_info(folder: RunFolder, config: RunConfig, steps: int = 0) -> RunInfo:
    """Return the run as trackers hear of it."""
    return RunInfo(folder.path, folder.path.name, config.model_dump(), config.epochs, steps)


def _peak_memory_mib(compute: Compute) -> float:
    """Return the most memory that the training took: the GPU's, else that of this process since it began."""
    on_gpu = compute.peak_memory_mib()
    if on_gpu is not None:
        return on_gpu
    unit = 1 if sys.platform == "darwin" else 1024  # ru_maxrss is bytes there, KiB elsewhere
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20
