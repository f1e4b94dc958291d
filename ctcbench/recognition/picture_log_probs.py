"""read_log_probs(): the log-probabilities of pictures, in order, read by several threads in groups."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ctcbench.contract.data import LogProbs, Sample
from ctcbench.contract.specs import ImageSpec
from ctcbench.evaluation.joined_batches import Reading, join_batches
from ctcbench.files.pictures import Fit
from ctcbench.files.pixel_levels import WHITE
from ctcbench.recognition.picture_batch import make_batch, split_by_width
from ctcbench.recognition.picture_list import require_readable
from ctcbench.recognition.picture_stream import Group, process_groups
from ctcbench.recognition.prediction_stream import prepare
from ctcbench.recognition.reader import Reader


def read_log_probs(images: Sequence[Any], reader: Reader, image: ImageSpec, fit: Fit) -> LogProbs:
    """Return the natural log-probabilities of N pictures, float32 (N, T, K): T frames, K classes.

    Args:
        images: pictures of any kind, and samples; none of them give an array of no rows.
        reader: the network.
        image: the images of the network, with the crop and the ground of pictures.
        fit: how pictures are resized.

    Raises:
        BadSample: a picture can't be read; the message names its path or its index.
    """

    def prepare_one(picture: Any) -> Sample:
        return prepare(picture, image, fit)

    def read_group(group: Group[Sample]) -> tuple[Group[Sample], Reading]:
        return group, _read(group.samples, reader)

    # Without pictures there is no group.
    parts = list(process_groups(images, prepare_one, read_group, reader)) or [read_group(Group([], {}))]
    outcomes = [outcome for group, _ in parts for outcome in group.arranged(group.samples)]
    for index, (picture, outcome) in enumerate(zip(images, outcomes, strict=True)):
        require_readable(index, picture, outcome)
    values_NTK, lengths_N = join_batches([reading for _, reading in parts])
    return LogProbs(values_NTK, lengths_N, ("",) * len(images), reader.alphabet)


def _read(samples: Sequence[Sample], reader: Reader) -> Reading:
    """Return the log-probabilities of samples, and their numbers of frames."""
    # For no samples, a white image is read for the numbers of frames and classes.
    some = samples or [_white(reader.image)]
    batches = split_by_width(some, reader)
    readings = []
    for rows in batches:
        batch = make_batch([some[row] for row in rows], reader)
        readings.append(reader.read(batch.images_NCHW, batch.widths_N))
    values_NTK, lengths_N = join_batches(readings, batches)
    return values_NTK[: len(samples)], lengths_N[: len(samples)]


def _white(spec: ImageSpec) -> Sample:
    return Sample(np.full((spec.channels, spec.height, spec.width), WHITE, np.uint8), "")
