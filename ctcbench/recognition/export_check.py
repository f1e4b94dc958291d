"""The comparison of an exported recogniser with that of torch, on the validation images of its run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ctcbench.contract.data import LogProbs
from ctcbench.contract.errors import CtcbenchError, UsageError
from ctcbench.data.materialise import materialise
from ctcbench.data.run_dataset import build_run_dataset
from ctcbench.evaluation.joined_batches import join_batches
from ctcbench.evaluation.score import Score
from ctcbench.evaluation.scoring import score
from ctcbench.pipeline.built_decoder import BuiltDecoder
from ctcbench.recognition.reader import Reader
from ctcbench.recognition.torch_reader import TorchReader
from ctcbench.registry.component_registry import Registry
from ctcbench.results.run_folder import RunFolder
from ctcbench.results.stored_config import stored_config

_BATCH_SIZE = 64
_RANDOM_IMAGES = 64
_SEED = 0

Batch = tuple[NDArray[np.uint8], NDArray[np.int64]]


@dataclass(frozen=True)
class CheckImages:
    """Images as a `Reader` takes them.

    Attributes:
        batches: images_NCHW and widths_N.
        texts: the true texts; None if the images are random.
    """

    batches: tuple[Batch, ...]
    texts: tuple[str, ...] | None

    def __len__(self) -> int:
        return sum(len(images_NCHW) for images_NCHW, _ in self.batches)


class ReadResult(NamedTuple):
    """Log-probabilities of images, their decoded texts, and the score of these; None without true texts."""

    log_probs: LogProbs
    texts: tuple[str, ...]
    score: Score | None


@dataclass(frozen=True)
class ReaderDifference:
    """How far two readers differ on the same images.

    Attributes:
        images: number of images.
        largest_difference: the largest difference of a log-probability in a valid frame, in nats.
        differing_texts: number of images of which the decoded texts differ.
    """

    images: int
    largest_difference: float
    differing_texts: int


def validation_images(registry: Registry, folder: RunFolder, reader: TorchReader) -> CheckImages:
    """Return the validation images of a run, drawn again or from the cache.

    Raises:
        CtcbenchError: they can't be drawn here, or are not for this recogniser.
    """
    import torch

    from ctcbench.training.split import make_split
    from ctcbench.training.width_buckets import padded_width

    config = stored_config(folder)
    dataset = build_run_dataset(registry, config)
    if (dataset.source.image, dataset.source.alphabet) != (reader.image, reader.alphabet):
        raise UsageError(f"dataset {config.dataset}: it has another image size or alphabet than the run")
    # No notices: the run has printed those about its data set.
    samples = materialise(dataset, "val", config.val_samples, skip_bad=True, notice=lambda _: None)
    # The training's own batches: images of right-to-left text are mirrored there, for example.
    split = make_split(samples, reader.alphabet, torch.device("cpu"), scored=True)
    exact = bool(reader.model.unmasked)
    batches, texts = [], []
    for rows_N in split.reading_batches(_BATCH_SIZE, exact=exact):
        batch = split.batch(rows_N, padded_width(split.widths_N.numpy()[rows_N], exact=exact))
        batches.append((batch.images_NCHW.numpy(), batch.widths_N.numpy()))
        texts += [split.texts[row] for row in rows_N]
    return CheckImages(tuple(batches), tuple(texts))


def random_images(reader: TorchReader) -> CheckImages:
    """Return 64 images of noise; their widths are random, from half of the recogniser's to all of it."""
    spec, random = reader.image, np.random.default_rng(_SEED)
    shape = (_RANDOM_IMAGES, spec.channels, spec.height, spec.width)
    images_NCHW = random.integers(0, 256, shape, np.uint8)
    widths_N = random.integers((spec.width + 1) // 2, spec.width + 1, _RANDOM_IMAGES)
    return CheckImages(((images_NCHW, widths_N),), None)


def read_images(reader: Reader, images: CheckImages, decoder: BuiltDecoder) -> ReadResult:
    """Return what a reader and a decoder read in the images."""
    parts = [reader.read(images_NCHW, widths_N) for images_NCHW, widths_N in images.batches]
    values_NTK, lengths_N = join_batches(parts)
    log_probs = LogProbs(values_NTK, lengths_N, images.texts or ("",) * len(images), reader.alphabet)
    hypotheses, _ = decoder.decode(log_probs)
    texts = tuple(reader.alphabet.decode(hypothesis.labels) for hypothesis in hypotheses)
    return ReadResult(log_probs, texts, score(texts, images.texts, "val") if images.texts else None)


def compare(ours: ReadResult, theirs: ReadResult) -> ReaderDifference:
    """Return how far two readings of the same images differ.

    Raises:
        CtcbenchError: the numbers of frames differ.
    """
    one, other = ours.log_probs, theirs.log_probs
    if one.values_NTK.shape != other.values_NTK.shape or (one.lengths_N != other.lengths_N).any():
        raise CtcbenchError("the exported network returns other numbers of frames than torch")
    # The frames after an image's length belong to its padding, and no decoder reads them.
    valid_NT = np.arange(one.values_NTK.shape[1]) < one.lengths_N[:, None]
    largest = float(np.abs(one.values_NTK[valid_NT] - other.values_NTK[valid_NT]).max(initial=0))
    differing = sum(a != b for a, b in zip(ours.texts, theirs.texts, strict=True))
    return ReaderDifference(len(one), largest, differing)
