"""keep_readable(): leaves out images whose texts are too long for their frames, or refuses them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ctcbench.contract.data import Samples, SplitName
from ctcbench.contract.errors import UsageError
from ctcbench.contract.word_lists import join_words
from ctcbench.data.rejected_samples import RejectedSample, list_rejected
from ctcbench.pipeline.run_context import RunContext
from ctcbench.pipeline.sample_origins import without_repeats

if TYPE_CHECKING:
    from ctcbench.training.recognizer.network import Recognizer


def keep_readable(context: RunContext, model: Recognizer) -> dict[SplitName, NDArray[np.int64]]:
    """Return the indices of the training and validation images that a recogniser can learn from.

    With the setting ``skip_bad`` those whose texts are too long for their frames are left out, and a notice
    lists them.

    Raises:
        UsageError: there are such images and ``skip_bad`` is not set, or no other images are left.
    """
    from ctcbench.training.frame_shortage import describe_frames, find_too_long_texts

    # Both splits are checked before either is an error, so that one message names all images.
    names: tuple[SplitName, ...] = ("train", "val")
    found_in = {name: find_too_long_texts(context.samples[name], model) for name in names}
    kept = {name: readable_rows(context.samples[name], found_in[name]) for name in names}
    too_long = {name: _once(context, name, found_in[name]) for name in names}
    rejected = [entry for entries in too_long.values() for entry in entries]
    if rejected:
        counted = join_words(_count(context, name, too_long[name]) for name in names if too_long[name])
        frames, remedy = describe_frames(model, context.config)
        found = f"{counted} have texts that are too long for {frames}"
        # --skip-bad can't help where it would leave nothing.
        empty = [name for name in names if not len(kept[name])]
        if empty or not context.config.skip_bad:
            skip = f"no {empty[0]!r} sample is left" if empty else "--skip-bad leaves such samples out"
            raise UsageError(f"{found}:{list_rejected(rejected)}\n{skip}; {remedy}")
        context.runtime.listener.notice(f"{found}; left out:{list_rejected(rejected)}")
    return kept


def readable_rows(samples: Samples, too_long: Sequence[RejectedSample]) -> NDArray[np.int64]:
    """Return the indices of the samples that are not among `too_long`."""
    return np.delete(np.arange(len(samples)), [entry.number for entry in too_long])


def report_unreadable_tests(context: RunContext, model: Recognizer) -> None:
    """Send a notice of the test images whose texts are too long for their frames, if there are any."""
    # They stay, because every model must be scored on the same images, whatever its frames.
    from ctcbench.training.frame_shortage import describe_frames, find_too_long_texts

    if too_long := find_too_long_texts(context.samples["test"], model):
        frames, _ = describe_frames(model, context.config)
        counted = _count(context, "test", too_long)
        found = f"{counted} have texts that are too long for {frames}; they stay, and count as errors"
        context.runtime.listener.notice(f"{found}:{list_rejected(too_long)}")


def _once(
    context: RunContext, name: SplitName, rejected: Sequence[RejectedSample]
) -> Sequence[RejectedSample]:
    """Return the rejected samples without those that repeat another one."""
    by_row = {entry.number: entry for entry in rejected}
    rows_N = np.array(list(by_row), dtype=np.int64)
    return [by_row[row] for row in without_repeats(context, name, rows_N).tolist()]


def _count(context: RunContext, name: SplitName, rejected: Sequence[RejectedSample]) -> str:
    total = len(without_repeats(context, name, np.arange(len(context.samples[name]))))
    return f"{len(rejected)} of {total} samples of {name!r}"
