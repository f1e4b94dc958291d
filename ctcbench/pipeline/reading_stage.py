"""read_splits(): computes the log-probabilities of the validation and test images and stores them."""

from __future__ import annotations

import contextlib

from ctcbench.contract.data import Samples, SplitName
from ctcbench.contract.errors import CtcbenchError
from ctcbench.evaluation.log_probs import load_log_probs, save_log_probs
from ctcbench.pipeline.run_context import RunContext
from ctcbench.results.run_folder import RunFolder

READ_SPLITS: tuple[SplitName, ...] = ("val", "test")


def read_splits(context: RunContext) -> None:
    """Store the log-probabilities of the validation and test images, computed with the best weights.

    Stored log-probabilities of the same images are kept; torch is imported only where some are missing.

    Raises:
        UsageError: a text is too long for the frames of the recogniser.
        CtcbenchError: the weights are damaged.
    """
    samples, folder, config = context.samples, context.folder, context.config
    missing = [name for name in READ_SPLITS if not has_log_probs(folder, name, samples[name])]
    if not missing:
        return
    # torch takes seconds to import, and another decoder for stored log-probabilities does not need it.
    from ctcbench.training import device, inference, split
    from ctcbench.training.recognizer import weights

    compute = device.choose_compute(config, context.group.process_rank)
    model = weights.load_recognizer(context.recipe.registry, folder).to(compute.device)
    batch_size = inference.evaluation_batch_size(config)
    with device.torch_settings(config, compute):
        for name in missing:
            split.require_enough_frames(samples[name], model, config)
            images = split.make_split(samples[name], context.source.alphabet, compute.device)
            listener = context.runtime.listener
            batches = inference.iterate_log_probs(model, images, compute, name, listener, batch_size)
            log_probs = inference.concatenate_log_probs(batches, samples[name])
            save_log_probs(folder.log_probs_path(name), log_probs)


def has_log_probs(folder: RunFolder, split: SplitName, samples: Samples) -> bool:
    """Return True if a run folder holds the log-probabilities of these images of a split."""
    # Run folders are named by the settings of training, so an earlier run may have read other test images.
    path = folder.log_probs_path(split)
    with contextlib.suppress(CtcbenchError):  # a damaged file is computed again
        return path.exists() and load_log_probs(path).fingerprint == samples.fingerprint
    return False
