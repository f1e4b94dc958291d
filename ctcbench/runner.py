"""run(): the whole way from a configuration to its result, on one screen."""

from __future__ import annotations

import contextlib
import resource
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from ctcbench.config.keys import differences, resolve, train_key
from ctcbench.config.run_config import RunConfig
from ctcbench.contract.data import SPLITS, Samples, Source, SplitName
from ctcbench.contract.errors import CtcbenchError, UsageError
from ctcbench.contract.hooks import RunInfo
from ctcbench.data.materialise import materialise
from ctcbench.decode import decode_run
from ctcbench.evaluation.log_probs import load_log_probs, save_log_probs
from ctcbench.registry import Registry
from ctcbench.results import provenance
from ctcbench.results.result import Result
from ctcbench.results.run_folder import RunFolder, create, find_runs
from ctcbench.runtime import Runtime

if TYPE_CHECKING:
    from ctcbench.training.device import Compute


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
    _require_right_start(folder, config, runtime)
    source: Source = registry.build("dataset", config.dataset)
    with _locked(folder, config, runtime):
        if folder.is_finished:
            runtime.watcher.notice(f"{folder.path}: trained already; --fresh trains it again")
        else:
            train(registry, config, runtime, folder, source)
        read(registry, config, runtime, folder, source)
        result = decode_run(registry, folder, config.decoder, config=config)
    registry.tell("ctcbench_run_finished", run=run_info(folder, config), result=result.to_json())
    return result


def train(registry: Registry, config: RunConfig, runtime: Runtime, folder: RunFolder, source: Source) -> None:
    """Train the recogniser that `config` names, and leave its best weights in `folder`."""
    import torch

    from ctcbench.training import device, loop, recognizer, split, step, weights

    compute = device.choose(config)
    # The test images too: a text among them that can't be read should be known before training.
    drawn = {name: draw(registry, config, runtime, name) for name in SPLITS}
    with device.repeatable(config, compute):
        torch.manual_seed(config.seed)
        model = recognizer.build_recognizer(registry, config, source.image, source.alphabet)
        if config.init_from:
            weights.begin_with(model, Path(config.init_from))
        for samples in drawn.values():
            split.require_enough_frames(samples, model, config)
        train_split = split.make_split(drawn["train"], source.alphabet, compute.device)
        val_split = split.make_split(drawn["val"], source.alphabet, compute.device)
        steps = split.steps_an_epoch(train_split, config) * config.epochs
        steps = min(steps, config.max_steps or steps)
        objective = registry.build("loss", config.loss, source.alphabet)
        state = step.new_state(model, objective, config, compute, steps)
        info = run_info(folder, config, steps)
        trainer = loop.Trainer(registry, config, runtime, folder, info, train_split, val_split, state)
        trainer.restore()
        registry.tell("ctcbench_run_started", run=info)
        trainer.fit()
    folder.write_summary(
        {
            **loop.summary(trainer),
            "finished": provenance.now(),
            "peak_memory_mib": _peak_memory_mib(compute),
            "host": provenance.host(compute.name()),
            "versions": provenance.versions(),
            "plugins": dict(registry.versions()),
            "data": {name: drawn[name].fingerprint for name in ("train", "val")},
        }
    )


def read(registry: Registry, config: RunConfig, runtime: Runtime, folder: RunFolder, source: Source) -> None:
    """Leave the log-probs of the validation and test images in `folder`, read with the best weights.

    Those that are there already, and of the same images, stay.
    """
    splits: dict[SplitName, Samples] = {
        name: samples
        for name in ("val", "test")
        if not _is_read(folder, name, samples := draw(registry, config, runtime, name))
    }
    if not splits:
        return
    from ctcbench.training import device, reading, split, weights

    compute = device.choose(config)
    model = weights.load_recognizer(registry, folder).to(compute.device)
    with device.repeatable(config, compute):
        for name, samples in splits.items():
            split.require_enough_frames(samples, model, config)
            part = split.make_split(samples, source.alphabet, compute.device)
            log_probs = reading.read_split(model, part, compute, name, runtime.watcher)
            save_log_probs(folder.log_probs_path(name), log_probs)


def _is_read(folder: RunFolder, split: SplitName, samples: Samples) -> bool:
    path = folder.log_probs_path(split)
    with contextlib.suppress(CtcbenchError):  # a damaged file is made again
        return path.exists() and load_log_probs(path).fingerprint == samples.fingerprint
    return False


def draw(registry: Registry, config: RunConfig, runtime: Runtime, split: SplitName) -> Samples:
    """Return a split's samples from the cache, drawn now if need be."""
    return materialise(
        registry,
        config.dataset,
        split,
        getattr(config, f"{split}_samples"),
        skip_bad=config.skip_bad,
        workers=runtime.workers,
        progress=lambda done, total: runtime.watcher.drawing(split, done, total),
        notice=runtime.watcher.notice,
    )


def run_info(folder: RunFolder, config: RunConfig, steps: int = 0) -> RunInfo:
    """Return the run as trackers hear of it."""
    return RunInfo(folder.path, folder.path.name, config.model_dump(), config.epochs, steps)


@contextlib.contextmanager
def _locked(folder: RunFolder, config: RunConfig, runtime: Runtime) -> Iterator[None]:
    """Make the run folder if need be, and be the only one that writes there.

    A run that fails before it has anything to keep leaves no folder behind.
    """
    existed = folder.config_path.exists()
    create(runtime.out, folder.path.name)
    with folder.lock():
        if runtime.fresh:
            folder.clear()
        if not existed or runtime.fresh:
            folder.write_config(config.model_dump())
        try:
            yield
        except BaseException:
            if not existed:
                folder.remove_if_bare()
            raise


def _require_right_start(folder: RunFolder, config: RunConfig, runtime: Runtime) -> None:
    """Check that there is a run to resume where that was asked for, and none in the way where not.

    Raises:
        UsageError: says which settings differ from those of an unfinished run that is there.
    """
    if runtime.resume and runtime.fresh:
        raise UsageError("--resume and --fresh: one goes on with what is there, the other throws it away")
    if folder.config_path.exists():
        unfinished = not folder.is_finished
        if unfinished and folder.checkpoint_path.exists() and not (runtime.resume or runtime.fresh):
            raise UsageError(
                f"{folder.path}: an unfinished run with these settings; --resume goes on with it, "
                f"--fresh begins again"
            )
        return
    if runtime.resume:
        raise UsageError(_nothing_to_resume(folder, config, runtime))


def _nothing_to_resume(folder: RunFolder, config: RunConfig, runtime: Runtime) -> str:
    message = f"--resume: {runtime.out} has no run with these settings"
    unfinished = []
    if runtime.out.is_dir():
        for other in find_runs(runtime.out):
            if not other.is_finished:
                with contextlib.suppress(CtcbenchError):
                    theirs = RunConfig(**other.read_config())
                    unfinished.append((differences(config, theirs), other.path))
    if not unfinished:
        return f"{message}, and no unfinished one; leave --resume out to begin"
    nearest, path = min(unfinished, key=lambda entry: len(entry[0]))
    return f"{message}; the unfinished {path} differs in {'; '.join(nearest)}"


def _peak_memory_mib(compute: Compute) -> float:
    on_gpu = compute.peak_memory_mib()
    if on_gpu is not None:
        return on_gpu
    unit = 1 if sys.platform == "darwin" else 1024  # ru_maxrss is bytes there, KiB elsewhere
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20
