"""read_splits(): computes the log-probabilities of the validation and test images and stores them."""

from __future__ import annotations

import contextlib

from ctcbench.contract.data import Samples, SplitName
from ctcbench.contract.errors import CtcbenchError
from ctcbench.pipeline.run_context import RunContext
from ctcbench.pipeline.too_long_texts import readable_rows, report_unreadable_tests
from ctcbench.results.run_folder import RunFolder

READ_SPLITS: tuple[SplitName, ...] = ("val", "test")


def read_splits(context: RunContext, *, announce: bool) -> None:
    """Store the log-probabilities of the validation and test images, computed with the best weights.

    Stored log-probabilities of the same images are kept; torch is imported only where some are missing.
    Validation images whose texts are too long for their frames are left out, as in training; test images
    are not, and with `announce` a notice lists them.

    Raises:
        CtcbenchError: the weights are damaged.
    """
    samples, folder, config = context.samples, context.folder, context.config
    missing = [name for name in READ_SPLITS if not has_log_probs(folder, name, samples[name])]
    if not missing:
        return
    # torch takes seconds to import, and another decoder for stored log-probabilities does not need it.
    from ctcbench.training import device, inference, split
    from ctcbench.training.frame_shortage import find_too_long_texts
    from ctcbench.training.recognizer import weights

    compute = device.choose_compute(config, context.group.process_rank)
    model = weights.load_recognizer(context.recipe.registry, folder).to(compute.device)
    batch_size = inference.evaluation_batch_size(config, context.group.world_size)
    with device.torch_settings(config, compute):
        for name in missing:
            kept_N = None
            if name == "val":
                kept_N = readable_rows(samples[name], find_too_long_texts(samples[name], model))
            elif announce:
                report_unreadable_tests(context, model)
            images = split.make_split(
                samples[name], context.source.alphabet, compute.device, kept_N, scored=True
            )
            listener = context.runtime.listener
            batches = inference.iterate_log_probs(model, images, compute, name, listener, batch_size)
            rows = images.reading_batches(batch_size, exact=bool(model.unmasked))
            log_probs = inference.concatenate_log_probs(batches, samples[name], rows)
            folder.write_log_probs(name, log_probs)


def has_log_probs(folder: RunFolder, split: SplitName, samples: Samples) -> bool:
    """Return True if a run folder holds the log-probabilities of these images of a split."""
    # Run folders are named by the settings of training, so an earlier run may have read other test images.
    with contextlib.suppress(CtcbenchError):  # a damaged file is computed again
        stored = folder.has(folder.log_probs_path(split))
        return stored and folder.read_log_probs(split).fingerprint == samples.fingerprint
    return False
